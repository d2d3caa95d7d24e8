"""The numbers that the papers print, and what is known to be wrong with them."""

from hf_dynsel.published.labels import label_of as label_of
from hf_dynsel.published.labels import variant_of as variant_of
from hf_dynsel.published.tables import Issue as Issue
from hf_dynsel.published.tables import Number as Number
from hf_dynsel.published.tables import Paper as Paper
from hf_dynsel.published.tables import Published as Published
from hf_dynsel.published.tables import published as published

__all__ = ["Issue", "Number", "Paper", "Published", "label_of", "published", "variant_of"]
