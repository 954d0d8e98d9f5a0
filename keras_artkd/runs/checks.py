"""Checks of single settings."""

import math


def require_least(name: str, value: float, least: float) -> None:
    """Raises ValueError for a setting that is less than it may be, or NaN."""
    if not value >= least:
        raise ValueError(
            f"`{name}` must be at least {least}. Received: {name}={value}."
        )


def require_finite(name: str, value: float) -> None:
    """Raises ValueError for a setting that is infinite, or NaN."""
    if not math.isfinite(value):
        raise ValueError(
            f"`{name}` must be a finite number. Received: {name}={value}."
        )


def require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raises ValueError for a setting that is none of those known."""
    if value not in known:
        raise ValueError(
            f"`{name}` must be one of {', '.join(known)}. "
            f"Received: {name}={value!r}."
        )
