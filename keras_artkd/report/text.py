"""How a report words numbers and names."""

import re

from keras_artkd.plots import power_of_ten

_ROLES = {
    "student": "student",
    "initial": "initial teacher",
    "expert": "expert teacher",
}
_SCALES = ((1e9, "billion"), (1e6, "million"))
NONE = "–"


# Characters that turn the direction of what follows, numbers too.
_TURNS = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e"), None
) | dict.fromkeys(range(0x2066, 0x206A), None)


def display_name(name):
    """A class's name to be read: folders' underscores are spaces."""
    name = str(name).translate(_TURNS).replace("_", " ")
    return " ".join(name.split()) or "(no name)"


def role_name(role):
    """What a network is to the student."""
    if stage := re.fullmatch(r"stage(\d+)", role):
        return f"expert teacher at stage {stage[1]}"
    return _ROLES.get(role, role)


def term_name(name):
    """A term of the loss as a title."""
    words = " ".join(
        word.upper() if len(word) <= 2 else word
        for word in name.replace("_", " ").split()
    )
    # discriminator1 is the first of its kind; L2 is a name.
    words = re.sub(r"(?<=[a-z]{3})(?=\d)", " ", words)
    return words[:1].upper() + words[1:]


def percent(share, decimals=1):
    """A share in percent; a dash for none."""
    return NONE if share is None else f"{100 * share:.{decimals}f}%"


def of_hundred(share):
    """A share as so many of 100; neither none nor all where it is not."""
    if 0 < share < 0.005:
        return "fewer than 1 of 100"
    if 0.995 <= share < 1:
        return "more than 99 of 100"
    return f"{100 * share:.0f} of 100"


def percent_range(interval, decimals=1):
    """An interval of shares in percent; a dash for none."""
    if interval is None:
        return NONE
    low, high = interval
    return f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f}%"


def points(difference):
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def size_text(size):
    """The size of a file, bytes; a dash for none."""
    if size is None:
        return NONE
    return f"{size / 1e3:,.0f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def count_text(value):
    """A large number as it is said: 2.2 million; a dash for none."""
    if value is None:
        return NONE
    for scale, word in _SCALES:
        if value >= scale:
            return f"{value / scale:.3g} {word}"
    return f"{value:,}"


def milliseconds_text(value):
    """A duration in milliseconds; a dash for none."""
    return NONE if value is None else f"{value:.3g} ms"


def small_text(value):
    """A number that may be tiny: 0.043, 1.2 × 10⁻⁸."""
    digits, _, exponent = f"{value:.1e}".partition("e")
    # None in "nan" and "inf".
    if not exponent or value == 0 or int(exponent) >= -3:
        return f"{value:.2g}"
    return f"{digits} × {power_of_ten(int(exponent))}"


def join_words(words):
    """One, two and three."""
    words = [str(word) for word in words]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
