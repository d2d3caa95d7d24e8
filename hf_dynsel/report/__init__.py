"""The report of a run: figures and one static page."""

from hf_dynsel.report.write import write_report as write_report

__all__ = ["write_report"]
