"""Text from outside stays text."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_dynsel.cards.escape import Markdown, code, escape, fenced, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[here](javascript:1)", r"\[here\](javascript:1)"),
        ("a\n---\nb", "a --- b"),
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("a|b", r"a\|b"),
        ("https://x.y", "https:&#47;&#47;x.y"),
        ("score_a", r"score\_a"),
    ],
)
def test_markup_is_shown_and_not_followed(text, shown):
    assert escape(text) == shown


@given(st.text(max_size=200))
def test_what_is_escaped_reads_as_it_was_written(text):
    plain = html.unescape(re.sub(r"\\([\\`*_{}\[\]#|~$!=+-])", r"\1", escape(text)))
    assert plain == one_line(text)


@given(st.text())
def test_what_is_escaped_is_one_line_without_open_html(text):
    shown = escape(text)
    assert shown.isprintable()
    assert not set(shown) & set("<>")
    assert not re.search(r"(?<!\\)[\[\]`|]", shown.replace("\\\\", ""))


def test_markdown_is_not_escaped_twice():
    assert escape(escape("a_b")) == escape("a_b")
    assert escape(Markdown("[a](b)")) == "[a](b)"


def test_a_missing_fact_is_not_shown():
    with pytest.raises(TypeError, match="leave the line of a missing fact out"):
        escape(None)


def test_a_name_that_would_end_the_code_is_plain_text():
    assert code("a_b") == "`a_b`"
    assert code("a`<b>") == r"a\`&lt;b&gt;"
    assert code("a|b") == r"a\|b"


@given(st.text(alphabet="`~\n a"))
def test_a_block_of_code_ends_at_its_own_fence_alone(text):
    first, *inner, last = fenced(text, "yaml").split("\n")
    assert first == f"{last}yaml"
    assert set(last) == {"`"}
    assert all(last not in line for line in inner)


def test_a_long_text_is_cut():
    assert len(one_line("a" * 1000)) == 300
