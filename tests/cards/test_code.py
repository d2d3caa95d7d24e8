"""The code that cards show can be run as it stands: names exist, and calls fit their signatures."""

import ast
import importlib
import inspect
import re

import pytest

from example_cards import ROOT

# The card of a run is that of transformers, which shows no code.
CARDS = {f"{p.parent.name}/{p.stem}": p for p in sorted(ROOT.glob("*/*.md")) if p.stem != "run"}


def blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def imported(tree):
    """Returns what each name stands for that the code imports."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            names |= {alias.name: getattr(module, alias.name) for alias in node.names}
    return names


def target(function, names):
    match function:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=ast.Name(id=owner), attr=method) if owner in names:
            return getattr(names[owner], method)


@pytest.mark.parametrize("path", CARDS.values(), ids=CARDS)
def test_every_call_fits_what_it_calls(path):
    checked = 0
    for block in blocks(path):
        tree = ast.parse(block)
        names = imported(tree)
        for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call)]:
            if (called := target(call.func, names)) is not None:
                keywords = {keyword.arg: None for keyword in call.keywords}
                inspect.signature(called).bind(*call.args, **keywords)
                checked += 1
    assert checked
