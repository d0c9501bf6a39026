from desktop.panes.chat.pacing import Pacer


def test_without_a_pace_everything_comes_at_once():
    pacer = Pacer()
    pacer.add("안녕")
    pacer.add("하세요")
    assert pacer.take(0.0) == "안녕하세요"
    assert len(pacer) == 0


def test_a_pace_lets_out_that_many_characters_a_second():
    pacer = Pacer(10)
    pacer.add("0123456789abcdefghij")
    assert pacer.take(0.5) == "01234"
    assert pacer.take(0.05) == ""
    assert pacer.take(0.05) == "5"
    assert pacer.rest() == "6789abcdefghij"
    assert pacer.take(1.0) == ""


def test_idle_time_is_not_saved_up():
    pacer = Pacer(10)
    assert pacer.take(100.0) == ""
    pacer.add("0123456789")
    assert pacer.take(0.1) == "0"


def test_an_emoji_is_never_cut_apart():
    family = "👩\u200d👩\u200d👧"
    pacer = Pacer(1)
    pacer.add(family + "!")
    assert pacer.take(1.0) == family
    assert pacer.rest() == "!"
