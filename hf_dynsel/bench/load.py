"""Says what else a machine was doing, beside what a benchmark measured on it."""

import os


def load_average() -> float:
    """Returns how many processes ran on average in the last minute; 0 where the system hides it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
