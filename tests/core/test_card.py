"""Cards lose what only a browser can show, and keep their text."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop.core import card

BLOKE = """---
license: apache-2.0
prompt_template: '<s>[INST] {prompt} [/INST]'
---

<!-- markdownlint-disable MD041 -->
<!-- header start -->
<div style="width: auto; margin-left: auto">
<img src="https://i.imgur.com/EBdldam.jpg" alt="TheBlokeAI" style="width: 100%">
</div>
<div style="display: flex">
    <div>
        <p style="margin-top: 0.5em"><a href="https://discord.gg/theblokeai">Chat &amp; support</a></p>
    </div>
</div>
<hr style="margin-top: 1.0em">
<!-- header end -->

# Mistral 7B

```
<s>[INST] {prompt} [/INST]
<div>kept</div>
```
"""


def test_a_card_of_the_bloke() -> None:
    assert card.shown(BLOKE) == (
        "[Chat &amp; support](https://discord.gg/theblokeai)\n\n# Mistral 7B\n\n"
        "```\n<s>[INST] {prompt} [/INST]\n<div>kept</div>\n```\n"
    )


@pytest.mark.parametrize(
    ("readme", "shown"),
    [
        ("", ""),
        ("\ufeff---\r\na: b\r\n---\r\nText", "Text"),
        ("---\nnever closed", "---\nnever closed"),
        ("---\na: b\n---", ""),
        ("--- no front\n---\nText", "--- no front\n---\nText"),
        ("a <b>bold</b> and <EM>slanted</em>", "a **bold** and *slanted*"),
        ("<h2 align=center>Title</h2>Text", "## Title\n\nText"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n\n- two"),
        ("one<br/>two", "one\ntwo"),
        ("<table><tr><th>a</th><td>b</td></tr></table>", "a  b"),
        ("Use `<div>` in code, <s> in templates, <unknown> stays", None),
        ("1 < 2 and a <notatag and <https://a.example>", None),
        ("<script>alert(1)</script>after", "after"),
        ("<style>p { }", ""),
        ("before <!-- never closed", "before"),
        ("[![badge](https://a.example/b.svg)](https://a.example)", "[badge](https://a.example)"),
        ("[![](b.svg)](https://a.example) text", "text"),
        ('![a cat](cat.png "title")', "a cat"),
        ("[LICENSE](./LICENSE) [top](#top) [mail](mailto:a@a.example)", "LICENSE top [mail](mailto:a@a.example)"),
        ('<a href="javascript:alert(1)">text</a>', "text"),
        ('<a href="https://a.example"><img src=x></a>text', "text"),
        ("<a href='https://a.example'>one <a href='https://b.example'>two</a>", None),
        ("</a></p></b", "</b"),
        ("a\n\n\n \n\nb", "a\n\nb"),
        ("~~~\n<b>\n```\n~~~\n<i>x</i>", "~~~\n<b>\n```\n~~~\n*x*"),
        ("````\n```\n<b>\n````\n<b>", "````\n```\n<b>\n````\n**"),
    ],
)
def test_parts(readme: str, shown: str | None) -> None:
    if "b.example" in readme:
        shown = "[one](https://a.example)[two](https://b.example)"
    assert card.shown(readme).strip() == (readme if shown is None else shown)


@given(
    st.lists(
        st.sampled_from(
            ["<b>", "</a>", '<a href="https://a">', "<!--", "-->", "`", "\n```\n", "\n", "<p", ">", "x", "<", "b>"]
        )
    )
)
@example(["<p", "\n", "<b>", "-->"])
@example(["`", "`", "`", "`", "\n```\n", "<b>"])
@example(["</a>", "`", "`", "`", "\n```\n", "<b>"])
def test_no_tag_is_left_outside_code(pieces: list[str]) -> None:
    shown = card.shown("".join(pieces))
    without_code = re.sub(r"(?ms)^ {0,3}(`{3,}).*?(^ {0,3}\1`*\s*$|\Z)|`[^`\n]+`", "`", shown)
    assert not re.search(r"<(b|a|p)(\s[^<>]*)?>", without_code)


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<a ", "<a href=", "`", "![", "![](x", "[a](", "<script>", "```\n", "<p>\n", " \n", "<b", "[![a](b)](c)"],
)
def test_hostile_cards_cost_little(piece: str) -> None:
    began = time.process_time()
    card.shown(piece * (card.LONGEST // len(piece)))
    assert time.process_time() - began < 3
