"""Search spaces: the values a search may try for an option of a method."""

import dataclasses
from typing import TypeAlias


@dataclasses.dataclass(frozen=True)
class Float:
    """Any number between two.

    Attributes:
        low: float, the smallest value.
        high: float, the largest.
        sampling: `"linear"`, or `"log"` where ratios matter, not differences.
    """

    low: float
    high: float
    sampling: str = "linear"

    def __post_init__(self) -> None:
        if self.sampling not in ("linear", "log"):
            raise ValueError(
                "`sampling` must be linear or log. "
                f"Received: sampling={self.sampling!r}."
            )
        if not self.low < self.high or (
            self.sampling == "log" and not self.low > 0
        ):
            raise ValueError(
                "`low` must be below `high`, and positive for "
                f"sampling='log'. Received: {self}."
            )

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of a few values without an order.

    Attributes:
        values: tuple of str or numbers, at least two.
    """

    values: tuple[float | str, ...]

    def __post_init__(self) -> None:
        if len(set(self.values)) < 2:
            raise ValueError(
                "A choice must have at least two different values. "
                f"Received: values={self.values!r}."
            )

    def __contains__(self, value: float | str) -> bool:
        return value in self.values


Space: TypeAlias = dict[str, Float | Choice]
"""The options of a method that are worth a search, and their values."""
