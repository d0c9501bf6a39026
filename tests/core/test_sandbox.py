"""Strangers' templates: what real ones need works, and what hostile ones try ends soon, in little memory."""

from __future__ import annotations

import string
import time
import tracemalloc
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core import sandbox
from desktop.core.errors import TemplateError
from desktop.core.sandbox import EndlessTemplate, render

NOW = datetime(2026, 3, 9, 14, 5)
MESSAGES = [{"role": "user", "content": "안녕 <b>"}, {"role": "assistant", "content": "Ciao"}]
TWICE = "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = "


def shown(source: str, **variables: object) -> str:
    return render(source, {"messages": MESSAGES, **variables}, NOW)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% for m in messages %}{{ m.role }}:{{ m['content'] }};{% endfor %}", "user:안녕 <b>;assistant:Ciao;"),
        ("{{ messages[0].content.split(' ')[0] ~ messages[-1]['content'] }}", "안녕Ciao"),
        ("{{ messages | map(attribute='role') | join(', ') }}", "user, assistant"),
        ("{{ messages | selectattr('role', 'equalto', 'user') | list | length }}", "1"),
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "안녕 <b>"}'),
        ("{{ {'a': [1]} | tojson(indent=2) }}", '{\n  "a": [\n    1\n  ]\n}'),
        ("{{ {'b': 1, 'a': none}.items() | list }}", "[('b', 1), ('a', None)]"),
        ("{{ strftime_now('%d %b %Y') }}", "09 Mar 2026"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"),
        ("{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}", "user"),
        ("{% for m in messages[::-1] %}{{ m.role }} {% endfor %}", "assistant user "),
        ("{% macro say(m, end='') %}{{ m.content|trim }}{{ end }}{% endmacro %}{{ say(messages[1], '!') }}", "Ciao!"),
        ("{% generation %}{{ 'x' if messages is defined and 'Ciao' in messages[1].content }}{% endgeneration %}", "x"),
        ("{{ 'a,b'.split(',') }} {{ ('<' + 'a' * 3 + '>')|safe }} {{ '<'|e }}", "['a', 'b'] <aaa> &lt;"),
        ("{% set a, b = 'x', 'y' %}{{ a ~ 1 ~ b }}{{ (b, a)[0] }}{{ dict(k=a).k }}", "x1yyx"),
        ("{{ 'a-b'.replace('-', '+').upper() }}{{ 'x'.join(['1', '2']) }}{{ [3, 1] | sort | first }}", "A+B1x21"),
        ("  {% if true %}\nA\n  {% endif %}\nB", "A\nB"),
        ("{{ ' a<br>'.strip().rstrip('>').rsplit('<')[0] ~ '--b-'|trim('-') ~ (7 // 2 - 1) ~ (9 % 5) }}", "ab24"),
    ],
)
def test_what_templates_use(source: str, text: str) -> None:
    assert shown(source) == text


def test_a_refusal_carries_the_templates_own_words() -> None:
    with pytest.raises(TemplateError, match="no system role") as raised:
        shown("{{ raise_exception('no system role') }}")
    assert raised.value.fields == {"reason": "no system role"}
    with pytest.raises(TemplateError):
        shown("{{ raise_exception() }}")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'x'}) }}",
        "{{ messages.__class__ }}",
        "{{ raise_exception.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ self.__init__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{% macro m() %}{% endmacro %}{{ m._environment.made }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ strftime_now.__closure__ }}",
        "{{ range.__self__ }}",
        "{{ [1]|map('attr', '__class__')|list }}",
        "{{ messages|map(attribute='__class__')|list }}",
        "{{ (1).to_bytes }}",
    ],
)
def test_python_is_out_of_reach(source: str) -> None:
    text = ""
    with suppress(TemplateError):
        text = shown(source)
    assert text.strip("[], ").replace("Undefined", "").strip(" ,") == ""  # Jinja shows what it forbids as nothing


@pytest.mark.parametrize(
    "source",
    [
        "{{ '{0.__class__}'.format(1) }}",
        "{{ (1).to_bytes(4) }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{{ lipsum() }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ messages[9].role }}",
        "{{ 1 + 'a' }}",
        "{{ messages | nosuchfilter }}",
        "{{ strftime_now('\ud800') }}",
        "{{ {[]: 1} }}",
        "{% for a, b in [1] %}{% endfor %}",
        "{% break %}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{% if 1 %}" * 500 + "{% endif %}" * 500,
    ],
)
def test_a_fault_becomes_one_clear_error(source: str) -> None:
    with pytest.raises(TemplateError) as raised:
        shown(source)
    assert not isinstance(raised.value, EndlessTemplate)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) if range(99999)|select('equalto', i)|list|length > 1 %}x{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{% for a in [1] recursive %}{{ loop([a]) }}{{ loop([a]) }}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ ['x'] * 999999999 }}",
        "{{ 9 ** 99999999 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 'x'.replace('', 'y' * 9999999) * 2 }}",
        "{{ ('y' * 9999999).join('abc') }}",
        "{{ 'abc' | join('y' * 9999999) }}",
        "{{ ['x' * 9999] * 9999 }}",
        "{{ (['x' * 9999] * 400) | tojson(indent=8) ~ ('x' * 16000000) }}",
        TWICE + "ns.x ~ ns.x %}{% endfor %}",
        TWICE + "ns.x + ns.x %}{% endfor %}",
        TWICE + "[ns.x, ns.x] %}{% endfor %}",
        TWICE + "(ns.x, ns.x) %}{% endfor %}",
        TWICE + "{'a': ns.x, 'b': ns.x} %}{% endfor %}",
        TWICE + "dict(a=ns.x, b=ns.x) %}{% endfor %}",
        TWICE + "namespace(a=ns.x, b=[ns.x, ns.x, ns.x]).b %}{% endfor %}",
        TWICE + "{'a': ns.x, 'b': ns.x}.items()|list %}{% endfor %}",
        "{% macro m() %}{{ varargs }}{% endmacro %}{{ m(1, 1) }}",
        "{% macro m() %}{{ kwargs }}{% endmacro %}{{ m(a=1) }}",
        "{% set b = 'x' * 9999999 %}{% set ns = namespace(l=[]) %}{% for i in range(999) %}"
        "{% set ns.l = ns.l + [b[i:]] %}{% endfor %}",
        "{% set b = 'ab' * 9999999 %}{{ b.split('b') }}",
        "{% set b = 'x' * 9999999 %}{% for i in range(999) %}{% set u = b|upper %}{% set t = b.title() %}{% endfor %}",
        "{{ ('a' * 9999999).strip('b' * 9999999 ~ 'a') }}",
        "{{ ('a' * 9999999)|trim('b' * 9999999 ~ 'a') }}",
        "{{ ('a' * 9999999).rfind('b' ~ 'a' * 4999999) }}",
        "{% set n = ('f' * 9999999)|int(base=16) %}{{ n // (n - 1) }}",
        "{% set n = ('f' * 9999999)|int(base=16) %}{{ n * n }}",
        "{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{% set x %}{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}{% endset %}",
        "{{ range(99999)|map(attribute='" + "a." * 60000 + "a', default=messages)|list|length }}",
    ],
)
def test_a_template_without_end_is_ended(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIME_LIMIT", 0.7)
    began = time.monotonic()
    with pytest.raises(TemplateError) as raised:
        shown(source)
    assert "not come to an end" in str(raised.value) or "RecursionError" in str(raised.value)
    assert time.monotonic() - began < 10  # on a busy machine; nothing here would end by itself within a minute


def test_what_a_template_piles_up_is_bounded() -> None:
    source = (
        "{% set ns = namespace(l=[], b='x') %}{% for i in range(99999) %}{% set ns.b = ('y' * 999999)|upper ~ i %}"
        "{% set ns.l = [ns.l, ns.b[1:]] %}{% endfor %}"
    )
    tracemalloc.start()
    with pytest.raises(EndlessTemplate):
        shown(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * sandbox.WORK_LIMIT


def test_the_time_limit_holds_where_the_steps_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIME_LIMIT", 0.05)
    with pytest.raises(EndlessTemplate):
        shown("{% for i in range(99999) %}{{ messages|length }}{% endfor %}")


def test_the_step_limit_holds_where_the_time_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "STEP_LIMIT", 1000)
    with pytest.raises(EndlessTemplate):
        shown("{% for i in range(1001) %}{% endfor %}")
    assert shown("{% for i in range(99) %}{% endfor %}") == ""


def test_a_source_too_long_is_not_tried() -> None:
    with pytest.raises(TemplateError, match="too long"):
        shown("x" * (sandbox.SOURCE_LIMIT + 1))


def test_a_large_paste_passes() -> None:
    paste = "word 말 \n" * 700_000
    source = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
    assert paste in shown(source, messages=[{"role": "user", "content": paste}])


def test_a_thousand_messages_pass() -> None:
    source = (
        "{% set ns = namespace(last=0) %}{% for m in messages[::-1] %}{% if m.role == 'user' and m.content is string %}"
        "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
        "{% for m in messages %}{{ '<' ~ m.role ~ '>' + m.content|trim }}{% endfor %}"
    )
    assert (
        shown(source, messages=[{"role": "user", "content": "five words are in here"}] * 1000).count("<user>") == 1000
    )


PARTS = st.sampled_from(
    "{{ }} {% %} messages ns.x = set for in endfor if endif ( ) [ ] ' , . + * ~ | list string tojson map sort 1 99 "
    "'ab' range(9) namespace(x=1) loop.index macro endmacro m() not == : { } strftime_now('%Y')".split()
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PARTS, max_size=20).map(" ".join) | st.text(string.printable, max_size=60))
def test_any_source_gives_text_or_the_one_error(source: str) -> None:
    with suppress(TemplateError):
        assert isinstance(shown(source), str)
