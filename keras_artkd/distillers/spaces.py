"""What a search may try for an option of a method."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Float:
    """Any number between two.

    Attributes:
        low: float, the least value.
        high: float, the greatest.
        sampling: `"linear"`, or `"log"` where ratios matter, not differences.
    """

    low: float
    high: float
    sampling: str = "linear"

    def __post_init__(self):
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

    def __contains__(self, value):
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of a few values, which have no order.

    Attributes:
        values: tuple of str or numbers, at least two.
    """

    values: tuple

    def __post_init__(self):
        if len(set(self.values)) < 2:
            raise ValueError(
                "A choice must have at least two different values. "
                f"Received: values={self.values!r}."
            )

    def __contains__(self, value):
        return value in self.values
