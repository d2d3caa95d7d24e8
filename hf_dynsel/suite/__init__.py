"""Suites: several comparisons that make one table, beside the table that a paper prints."""

from hf_dynsel.suite.experiment import Ran as Ran
from hf_dynsel.suite.experiment import compare_suite as compare_suite
from hf_dynsel.suite.files import SUITE as SUITE
from hf_dynsel.suite.load import Loaded as Loaded
from hf_dynsel.suite.load import is_suite as is_suite
from hf_dynsel.suite.load import load_suite as load_suite
from hf_dynsel.suite.plan import plan_suite as plan_suite
from hf_dynsel.suite.write import render_suite as render_suite

__all__ = [
    "Loaded",
    "Ran",
    "SUITE",
    "compare_suite",
    "is_suite",
    "load_suite",
    "plan_suite",
    "render_suite",
]
