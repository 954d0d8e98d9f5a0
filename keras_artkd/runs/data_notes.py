"""What about the images of a run may ruin it, told before the training."""

import collections
from collections.abc import Iterator, Sequence

import numpy as np

from keras_artkd.data.formats import why_unread
from keras_artkd.datasets import Collection
from keras_artkd.datasets.class_names import look_alikes, tell_apart
from keras_artkd.datasets.splits import SPLITS

_PURPOSES = {
    "train": "to learn from",
    "validation": "to choose the epoch by",
    "test": "to be tested on",
}
_MOST_NAMES = 5


def data_notes(data: Collection) -> Iterator[str]:
    """Sentences about classes and files, for a person to look at.

    Args:
        data: a `datasets.Collection`.
    """
    for names in look_alikes(data.class_names):
        yield (
            f"classes whose names look the same: {tell_apart(names)}; if they "
            "are one class, join their folders"
        )
    unread = collections.Counter(
        kind for item in data.skipped if (kind := why_unread(item.key))
    )
    for kind, count in unread.items():
        yield f"{count} file{'s' * (count != 1)} left out, {kind}"
    counts = {
        split: np.bincount(
            getattr(data, split).labels, minlength=len(data.class_names)
        )
        for split in SPLITS
    }
    for split, purpose in _PURPOSES.items():
        absent = [
            name
            for name, count in zip(data.class_names, counts[split], strict=True)
            if not count
        ]
        if absent:
            yield f"no image {purpose} of {_listed(absent)}"
    single = [
        name
        for name, count in zip(data.class_names, counts["train"], strict=True)
        if count == 1
    ]
    if single:
        yield f"a single image to learn from of {_listed(single)}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" * (more > 0))
