"""Checks of hyperparameters; each error names the value, the rule and what to give instead."""

from collections.abc import Sequence


def check_fraction(name: str, value: float, meaning: str) -> None:
    """Raises ValueError unless the value is in [0, 1].

    Args:
        meaning: what the number is and what to give, the end of the error message.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {value}: it is {meaning}")


def check_not_negative(name: str, value: float, meaning: str) -> None:
    """Raises ValueError unless the value is finite and at least zero."""
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be finite and not negative, got {value}: it is {meaning}")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raises ValueError unless the value is one of the choices."""
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {known}, got {value!r}")


def check_positive(name: str, value: float, meaning: str) -> None:
    """Raises ValueError unless the value is finite and above zero."""
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be finite and above 0, got {value}: it is {meaning}")


def check_count(name: str, value: int, least: int, meaning: str) -> None:
    """Raises ValueError unless the value is a whole number of at least `least`."""
    if not isinstance(value, int) or value < least:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, got {value}: it is {meaning}"
        )
