"""Every method that comes from a paper has its BibTeX."""

import re

import pytest

from hf_dynsel import scores, selectors
from hf_dynsel.cards import bibtex
from hf_dynsel.features import Adapters
from hf_dynsel.sae import SparseAutoencoder

EXPORTED = [getattr(package, n) for package in (selectors, scores) for n in package.__all__]
METHODS = [*(found for found in EXPORTED if isinstance(found, type)), Adapters, SparseAutoencoder]
FROM_PAPERS = [method for method in METHODS if "Reference:" in (method.__doc__ or "")]
ARXIV = re.compile(r"arXiv\s+(\d{4}\.\d{5})")


def test_there_are_methods_to_check():
    assert len(FROM_PAPERS) >= 12


@pytest.mark.parametrize("method", FROM_PAPERS, ids=lambda method: method.__name__)
def test_a_method_of_a_paper_has_an_entry_with_its_arxiv_ids(method):
    entry = bibtex([method.__name__])
    assert entry.startswith("@")
    for number in ARXIV.findall(method.__doc__):
        assert number in entry


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_a_method_without_a_paper_has_none(method):
    assert bool(bibtex([method.__name__])) == (method in FROM_PAPERS)


def test_an_entry_is_there_once_and_its_braces_match():
    entries = bibtex(method.__name__ for method in METHODS)
    keys = re.findall(r"^@\w+\{(\w+),$", entries, re.MULTILINE)
    assert len(keys) == len(set(keys)) == 25
    assert entries.count("{") == entries.count("}")
