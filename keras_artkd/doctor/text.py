"""A diagnosis as lines of text, the worst first."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_artkd.datasets.class_names import tell_apart
from keras_artkd.datasets.exclusions import quoted
from keras_artkd.doctor.diagnosis import Diagnosis

_MOST_FINDINGS = 10  # Items shown of a kind.
_MOST_NOTES = 3
_MOST_CLASSES = 30  # If there are more, `_MOST_FINDINGS` are shown.

# Kind of finding or note -> headline.
_FINDINGS = {
    "unreadable": "Unreadable: training leaves them out",
    "label_conflicts": "The same picture in two classes: one label is wrong",
    "near_conflicts": "Nearly the same picture in two classes: look at these "
    "two",
    "exact_duplicates": "The same picture again in its class",
    "near_duplicates": "Nearly the same picture in its class: a test image "
    "may be a copy of a training image",
    "misnamed": "Images that training does not see: the extension is wrong",
    "unread": "Pictures that training does not see: this format is not read",
    "tiny": "Tiny: the shorter side is less than --min-side",
    "look_alike_classes": "Classes whose names look the same: probably one "
    "class",
    "empty_classes": "Class folders without images",
    "small_classes": "Classes with too few images to train, validate and test",
}
_NOTES = {
    "few_images": "Classes with few images",
    "elongated": "Longer than 2:1: only the middle is used",
    "plain": "Almost one colour",
    "ignored": "Other files, ignored",
}


def describe(diagnosis: Diagnosis) -> list[str]:
    """Returns the lines of a report on a diagnosis."""
    lines = _summary(diagnosis)
    for kind, headline in _FINDINGS.items():
        found = diagnosis.findings[kind]
        lines += _section(kind, headline, found, _MOST_FINDINGS)
    for kind, headline in _NOTES.items():
        found = diagnosis.notes[kind]
        lines += _section(kind, f"note: {headline}", found, _MOST_NOTES)
    classes = diagnosis.classes
    most = _MOST_CLASSES if len(classes) <= _MOST_CLASSES else _MOST_FINDINGS
    return lines + _section("classes", "Images of each class", classes, most)


def sections(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Everything that was found, for a page that shows the pictures.

    Returns:
        For each kind `{headline, is_note, items}`, findings before notes;
        an item is `{words, files}`. `words` may be empty; `files`, which may
        be none, are `{file}` and what is known of `class`, `width`, `height`,
        `bytes` and `mirrored`.
    """
    return [
        {
            "headline": headline,
            "is_note": found is diagnosis.notes,
            "items": [_shown(kind, item) for item in found[kind]],
        }
        for headlines, found in (
            (_FINDINGS, diagnosis.findings),
            (_NOTES, diagnosis.notes),
        )
        for kind, headline in headlines.items()
        if found[kind]
    ]


def _shown(kind: str, item: Any) -> dict[str, Any]:
    """Words and files of an item."""
    if not isinstance(item, dict):
        return {"words": _LINES[kind](item), "files": []}
    if "usable" in item:
        words = f"{quoted(item['class'])}: {item['usable']:,} usable"
        return {"words": words, "files": []}
    if "files" in item:
        return {"words": _likeness(item), "files": item["files"]}
    words = item.get("reason") or item.get("format") or ""
    return {"words": words, "files": [item]}


def _section(
    kind: str, headline: str, found: Sequence[Any], most: int
) -> list[str]:
    if not found:
        return []
    lines = ["", f"{headline} ({len(found):,})"]
    lines += [f"  {_LINES[kind](item)}" for item in found[:most]]
    if len(found) > most:
        lines.append(f"  ... {len(found) - most:,} more, --json has all")
    return lines


def count_images(diagnosis: Diagnosis) -> str:
    """How many images there are, as one line."""
    usable = sum(row["usable"] for row in diagnosis.classes)
    return (
        f"{diagnosis.images:,} images in {len(diagnosis.classes)} classes, "
        f"{usable:,} usable"
    )


def _summary(diagnosis: Diagnosis) -> list[str]:
    smallest, largest = diagnosis.classes[0], diagnosis.classes[-1]
    lines = [
        count_images(diagnosis),
        f"smallest class  {smallest['usable']:6,}  {quoted(smallest['class'])}",
        f"largest class   {largest['usable']:6,}  {quoted(largest['class'])}",
    ]
    if diagnosis.imbalance is not None:
        lines.append(f"imbalance       {diagnosis.imbalance:6.1f}")
    if diagnosis.excluded:
        lines.append(f"excluded        {diagnosis.excluded:6,}")
    if diagnosis.healthy:
        lines.append("nothing found")
    return lines


def _size(item: dict[str, Any]) -> str:
    mirrored = "  (mirrored)" * item.get("mirrored", False)
    return (
        f"{item['width']} x {item['height']}  {quoted(item['file'])}{mirrored}"
    )


def _copies(item: dict[str, Any]) -> str:
    return f"{_likeness(item):14}" + f"\n  {'':14}".join(
        map(_size, item["files"])
    )


def _likeness(item: dict[str, Any]) -> str:
    """How much alike copies are."""
    if "similarity" in item:
        return f"{item['similarity']:.2f} similar"
    return "equal files" if item["identical_files"] else "equal pixels"


def _class(item: dict[str, Any]) -> str:
    return f"{item['usable']:6}  {quoted(item['class'])}"


# Kind of finding or note -> the line about an item.
_LINES: dict[str, Callable[[Any], str]] = {
    "unreadable": lambda item: f"{quoted(item['file'])}: {item['reason']}",
    "label_conflicts": _copies,
    "near_conflicts": _copies,
    "exact_duplicates": _copies,
    "near_duplicates": _copies,
    "misnamed": lambda item: f"{item['format']:6}{quoted(item['file'])}",
    "unread": lambda item: f"{quoted(item['file'])}: {item['reason']}",
    "tiny": _size,
    "look_alike_classes": tell_apart,
    "empty_classes": quoted,
    "small_classes": _class,
    "few_images": _class,
    "classes": _class,
    "elongated": _size,
    "plain": _size,
    "ignored": lambda item: f"{quoted(item['file'])}: {item['reason']}",
}
