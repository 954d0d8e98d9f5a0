"""Numbers and names as the words of a report."""

import re
from collections.abc import Iterable
from typing import Any

from keras_artkd.output import without_turns

# In place of an unknown value.
NONE = "–"
_ROLES = {
    "student": "student",
    "initial": "initial teacher",
    "expert": "expert teacher",
}
_SCALES = ((1e9, "billion"), (1e6, "million"))
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def display_name(name: object) -> str:
    """A class's name for people: underscores of folder names are spaces."""
    name = without_turns(str(name)).replace("_", " ")
    return " ".join(name.split()) or "(no name)"


def for_page(value: Any) -> Any:
    """A value for a page, where no text turns what stands after it."""
    # Markup stays Markup.
    return without_turns(value) if isinstance(value, str) else value


def role_name(role: str) -> str:
    """A network's role, such as "expert teacher"."""
    if stage := re.fullmatch(r"stage(\d+)", role):
        return f"expert teacher at stage {stage[1]}"
    return _ROLES.get(role, role)


def term_name(name: str) -> str:
    """A term of the loss as a title."""
    words = " ".join(
        word.upper() if len(word) <= 2 else word
        for word in name.replace("_", " ").split()
    )
    # discriminator1 is the first discriminator; L2 is a name.
    words = re.sub(r"(?<=[a-z]{3})(?=\d)", " ", words)
    return words[:1].upper() + words[1:]


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in percent; a dash for None."""
    return NONE if share is None else f"{100 * share:.{decimals}f}%"


def of_hundred(share: float) -> str:
    """A share as a number of 100; only exact shares are 0 or 100 of 100."""
    if 0 < share < 0.005:
        return "fewer than 1 of 100"
    if 0.995 <= share < 1:
        return "more than 99 of 100"
    return f"{100 * share:.0f} of 100"


def percent_range(
    interval: tuple[float, float] | None, decimals: int = 1
) -> str:
    """An interval of shares in percent; a dash for None."""
    if interval is None:
        return NONE
    low, high = interval
    return f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f}%"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def size_text(size: int | None) -> str:
    """The size of a file of so many bytes; a dash for None."""
    if size is None:
        return NONE
    return f"{size / 1e3:,.0f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def count_text(value: int | None) -> str:
    """A large number as people say it: 2.2 million; a dash for None."""
    if value is None:
        return NONE
    for scale, word in _SCALES:
        if value >= scale:
            return f"{value / scale:.3g} {word}"
    return f"{value:,}"


def milliseconds_text(value: float | None) -> str:
    """A duration in milliseconds; a dash for None."""
    return NONE if value is None else f"{value:.3g} ms"


def small_text(value: float) -> str:
    """A number that may be tiny: 0.043, 1.2 × 10⁻⁸."""
    digits, _, exponent = f"{value:.1e}".partition("e")
    # "nan" and "inf" have no exponent.
    if not exponent or value == 0 or int(exponent) >= -3:
        return f"{value:.2g}"
    return f"{digits} × {power_of_ten(int(exponent))}"


def power_of_ten(exponent: int) -> str:
    """A power of ten as text: 100, 0.01, 10⁻⁸."""
    if -3 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def join_words(items: Iterable[object]) -> str:
    """Items as a list in a sentence: one, two and three."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
