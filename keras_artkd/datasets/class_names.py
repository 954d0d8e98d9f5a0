"""Names of classes that look the same."""

import unicodedata
from collections.abc import Iterable

from keras_artkd.output import without_turns


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that differ by what an eye does not see.

    That is case, blanks at the ends or in a row, marks of direction, and the
    form in which Unicode writes a letter with its accent.

    Example:
        >>> look_alikes(["Rococo", "rococo ", "Baroque"])
        [['Rococo', 'rococo ']]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        seen = unicodedata.normalize("NFKC", without_turns(name)).casefold()
        seen = " ".join(seen.split())
        groups.setdefault(seen, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def tell_apart(names: Iterable[str]) -> str:
    """Names that look the same, written so that the difference is seen."""
    return ", ".join(f"{name!r} of {len(name)} characters" for name in names)
