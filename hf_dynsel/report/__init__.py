"""The report of a run, figures and one static page; and the table of many runs."""

from hf_dynsel.report.results import results_stages as results_stages
from hf_dynsel.report.results import results_table as results_table
from hf_dynsel.report.write import write_report as write_report

__all__ = ["results_stages", "results_table", "write_report"]
