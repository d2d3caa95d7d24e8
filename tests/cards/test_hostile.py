"""Names, licences and recipes of others can break out of neither the metadata nor the text.

The oracle is markdown-it, a parser of Markdown by another author.
"""

import dataclasses
import re
from collections import Counter
from functools import cache

import pytest
from huggingface_hub import DatasetCard, ModelCard
from markdown_it import MarkdownIt

from card_kit import (
    ADAPTER_TRAINING,
    ADAPTERS,
    FIGURE,
    NOTES,
    ORIGIN,
    RUN,
    SAE,
    SAE_TRAINING,
    metadata,
    render,
)
from hf_dynsel.cards import with_selection
from hf_dynsel.cards.run import BEGIN, END
from hub_cards import faults_of

pytestmark = pytest.mark.slow

HOSTILE = [
    "<script>alert(1)</script>",
    "x\n---\nlicense: stolen\n---\n# Owned",
    "---\nbase_model: evil/evil\n---",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "a | b | c\n|---|---|\n| d | e |",
    "```\n# Owned\n<img src=x onerror=alert(1)>",
    "`<b>` \\` \\\\` ~~~",
    "{{ 7 * 7 }} {% include 'sae.md' %}",
    "'; import os; os.system('x') #\"\"\"",
    f"{END}\n# Owned\n{BEGIN}",
    "\u202egnp.exe\u2028# Owned\x00\x1b[31m",
    "&lt;script&gt; &#60;b&#62; $\\href{x}{y}$",
    "!!python/object/apply:os.system ['x']",
    "key: [unclosed, &anchor *alias",
    "# Owned",
    "a" * 5000,
]
hostile = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
every_kind = pytest.mark.parametrize("kind", ["sae", "adapters", "scores", "selections", "run"])
KEPT = {"task", "class", "topk_mode"}


def poisoned(value, text):
    """Returns plain facts with the text in place of every string, and in every name."""
    if isinstance(value, dict):
        return {k: v if k in KEPT else poisoned(v, text) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(part, text) for part in value]
    return text if isinstance(value, str) else value


@cache
def cards(text):
    """Returns the kinds of cards, with facts of the text alone."""
    notes = {
        **poisoned(NOTES, text),
        "scores": {text: poisoned(NOTES["scores"]["diversity"], text)},
    }
    facts = dataclasses.replace(
        RUN,
        selector=text,
        settings={text: text},
        seconds={text: 1.0},
        results={text: 0.5},
        split=text,
        source=poisoned(RUN.source, text),
        scores={text: text},
        recipe=f"name: {text}",
        log=None,
        machine=text,
    )
    figure = dataclasses.replace(FIGURE, alt=text, caption=text)
    sae, pair = poisoned(SAE, text), poisoned(ADAPTERS, text)
    origin = poisoned(ORIGIN, text)
    origin["encoder"]["backbone"] = "TimmImage"
    return {
        "sae": render("sae", settings=sae, training=SAE_TRAINING, origin=origin, license=text),
        "adapters": render(
            "adapters", settings=pair, training=ADAPTER_TRAINING, origin=origin, license=text
        ),
        "scores": render("scores", notes=notes, recipe=text, figures=[figure], originals=[text]),
        "selections": render("selections", facts=facts, model=text, scores=text),
        "run": with_selection("", facts, "run", [figure], tags=[text]),
    }


def structure(card):
    """Returns how often each element is in the text: headings, tables, links, blocks, HTML."""
    body = card.split("\n---\n", 1)[1].replace(BEGIN, "").replace(END, "")
    parser = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(body)
    every = [t for token in tokens for t in (token, *(token.children or []))]
    return every, Counter(token.type for token in every)


@hostile
@every_kind
def test_no_card_holds_html_or_links_of_others(text, kind):
    every, counts = structure(cards(text)[kind])
    assert not counts["html_block"] and not counts["html_inline"]
    targets = [t.attrs.get("href") or t.attrs.get("src") for t in every]
    known = ("figures/", "https://huggingface.co/user/")
    assert all(target is None or target.startswith(known) for target in targets)
    pairs = zip(every, every[1:], strict=False)
    headings = [after.content for token, after in pairs if token.type == "heading_open"]
    assert headings
    assert "Owned" not in headings


@hostile
@every_kind
def test_the_text_adds_no_element(text, kind):
    found, plain = structure(cards(text)[kind])[1], structure(cards("plain")[kind])[1]
    for element in ("heading_open", "table_open", "tr_open", "td_open", "fence", "hr", "image"):
        assert found[element] == plain[element], element


@hostile
@every_kind
def test_the_hub_takes_the_metadata_and_their_values_are_of_one_line(text, kind):
    data = metadata(cards(text)[kind])
    assert "stolen" not in str(data.get("license"))
    assert "evil/evil" not in str(data.get("base_model"))
    assert all("\n" not in leaf and len(leaf) <= 300 for leaf in _leaves(data))
    kinds = ModelCard if kind in ("sae", "adapters", "run") else DatasetCard
    assert kinds(cards(text)[kind]).data.to_dict() == data
    assert faults_of(cards(text)[kind], kinds.repo_type) == ([], [])


@hostile
def test_code_in_a_card_stays_code(text):
    for card in cards(text).values():
        for block in re.findall(r"^```python\n(.*?)^```$", card, re.DOTALL | re.MULTILINE):
            compile(block, "card", "exec")
            assert "import os" not in re.sub(r"\".*\"|'.*'", "", block)


@hostile
def test_a_section_with_hostile_facts_is_replaced_whole(text):
    first = cards(text)["run"]
    again = with_selection(first + "\nMine.\n", RUN, "run").split("\n---\n", 1)[1]
    assert again.count(BEGIN) == again.count(END) == 1
    assert "Owned" not in again
    assert "Mine." in again


def _leaves(value):
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value] if isinstance(value, str) else []
