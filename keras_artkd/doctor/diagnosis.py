"""The examination of a data folder."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from keras_artkd.datasets.class_names import look_alikes
from keras_artkd.datasets.exclusions import exclude_records, read_exclusions
from keras_artkd.datasets.folder import find_records
from keras_artkd.datasets.records import Record
from keras_artkd.doctor.copies import Copies, find_copies
from keras_artkd.doctor.fingerprints import plain
from keras_artkd.doctor.pictures import Picture, read_pictures
from keras_artkd.doctor.strays import empty_classes, find_strays
from keras_artkd.types import Path

# Train, validation and test need one each.
MIN_IMAGES = 3
# A class with fewer images has at most three test images.
FEW_IMAGES = 20
# The loader crops longer images.
MAX_ASPECT = 2.0


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """The result of `examine`; every list holds only JSON values.

    Attributes:
        data_dir: the folder.
        short_side: pixels, the size at which pictures were compared.
        images: the number of files that the loader would read.
        excluded: the number of files that a list left out beforehand.
        classes: `{class, images, usable}`, smallest first. `usable` counts
            the images that training gets: readable, no picture twice.
        findings: lists of problems to solve:
            `unreadable` `{file, reason}`;
            `label_conflicts` `{identical_files, files}`, a picture in two
            classes; `identical_files`: equal byte for byte, otherwise only
            the pixels are equal;
            `near_conflicts` `{similarity, files}`, nearly the same picture in
            two classes, which may be two pictures: somebody must look;
            `exact_duplicates` `{identical_files, files}`, a picture twice in
            a class;
            `near_duplicates` `{similarity, files}`, such as a smaller copy
            in the same class;
            `tiny` `{file, class, width, height, bytes}`;
            `misnamed` `{file, format}`, images that the loader does not see
            because of their extension;
            `unread` `{file, reason}`, pictures in formats that are not read
            here;
            `look_alike_classes` lists of class names;
            `empty_classes` names of class folders;
            `small_classes` `{class, usable}`, with fewer than 3 images, which
            cannot be split into train, validation and test.
            In `files`, each `{file, class, width, height, bytes}`, the
            largest image comes first; where there is a `similarity`, also
            `mirrored`: whether it is a mirror image of the first. Files with
            equal pixels that are also near others are in two findings: in an
            exact one (a label conflict or duplicates), and in the near one
            with all of them.
        notes: lists of facts that do no harm: `few_images` `{class, usable}`,
            classes with fewer than 20; `elongated`, images that the loader
            crops to 2:1, and `plain`, images of almost one colour, `{file,
            class, width, height, bytes}`; `ignored` `{file, reason}`, files
            that are not images or not in a class folder, and links to
            folders.
        exclusions: file name -> reason. Without these files, which include
            the ones left out beforehand, every file is readable and no
            picture is twice in a class, nor the very same in two. What is only
            nearly the same in two classes stays.
    """

    data_dir: str
    short_side: int
    images: int
    excluded: int
    classes: list[dict[str, Any]]
    findings: dict[str, list[Any]]
    notes: dict[str, list[dict[str, Any]]]
    exclusions: dict[str, str]

    @property
    def healthy(self) -> bool:
        """Whether there are no findings; notes do no harm."""
        return not any(self.findings.values())

    @property
    def imbalance(self) -> float | None:
        """Size of the largest class over the smallest's; None if that is 0."""
        usable: list[int] = [row["usable"] for row in self.classes]
        return usable[-1] / usable[0] if usable[0] else None

    def document(self) -> dict[str, Any]:
        """Returns everything as JSON values.

        File names are posix paths below the directory; a byte that is not
        UTF-8 is a lone surrogate, as in Python's `os.fsdecode`.
        """
        return {
            "healthy": self.healthy,
            **dataclasses.asdict(self),
            "imbalance": self.imbalance,
            "counts": {
                key: len(found)
                for key, found in {**self.findings, **self.notes}.items()
            },
        }


def examine(
    data_dir: Path,
    short_side: int = 72,
    min_side: int = 64,
    exclude: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Examines a folder of images, one sub-folder a class.

    Files are found and read as in `keras_artkd.datasets.load("folder", ...)`,
    so that the findings are true of the training.

    Args:
        data_dir: directory of class folders.
        short_side: pixels, as of `load`: pictures with equal pixels at this
            size are the same.
        min_side: pixels: images with a shorter side below this are tiny.
        exclude: file that lists images to leave out, or None.
        progress: called with the number of files that are read, and of all.

    Raises:
        ValueError: if fewer than two class folders have images.
        OSError: if a folder cannot be read.
    """
    class_names, records, _ = find_records(data_dir)
    excluded: list[str] = []
    if exclude is not None:
        records, _ = exclude_records(records, data_dir, exclude)
        excluded = read_exclusions(exclude)
    pictures, unreadable = read_pictures(
        records, class_names, data_dir, short_side, progress
    )
    copies = find_copies(pictures)
    classes = _classes(class_names, records, pictures)
    misnamed, unread, ignored = find_strays(data_dir)
    findings: dict[str, list[Any]] = {
        "unreadable": [
            {"file": name, "reason": reason}
            for name, reason in unreadable.items()
        ],
        **_by_kind(copies),
        "tiny": [
            picture.summary()
            for picture in sorted(pictures, key=lambda p: min(p.sides))
            if min(picture.sides) < min_side
        ],
        "misnamed": misnamed,
        "unread": unread,
        "look_alike_classes": look_alikes(class_names),
        "empty_classes": empty_classes(data_dir, class_names),
        "small_classes": _with_usable(classes, 0, MIN_IMAGES),
    }
    return Diagnosis(
        data_dir=str(data_dir),
        short_side=short_side,
        images=len(records),
        excluded=len(excluded),
        classes=classes,
        findings=findings,
        notes={
            "few_images": _with_usable(classes, MIN_IMAGES, FEW_IMAGES),
            "elongated": [
                picture.summary()
                for picture in pictures
                if max(picture.sides) > MAX_ASPECT * min(picture.sides)
            ],
            "plain": _plain(pictures),
            "ignored": ignored,
        },
        exclusions=_exclusions(excluded, unreadable, copies),
    )


def _classes(
    class_names: Sequence[str],
    records: Iterable[Record],
    pictures: Iterable[Picture],
) -> list[dict[str, Any]]:
    """The images of each class, and how many of them training can use."""
    images = collections.Counter(record.label for record in records)
    contents: dict[str, set[str]] = collections.defaultdict(set)
    for picture in pictures:
        contents[picture.class_name].add(picture.digest)
    rows = [
        {"class": name, "images": images[i], "usable": len(contents[name])}
        for i, name in enumerate(class_names)
    ]
    return sorted(rows, key=lambda row: row["usable"])


def _with_usable(
    classes: Iterable[dict[str, Any]], low: int, high: int
) -> list[dict[str, Any]]:
    """Classes with at least `low` and fewer than `high` usable images."""
    return [
        {"class": row["class"], "usable": row["usable"]}
        for row in classes
        if low <= row["usable"] < high
    ]


def _by_kind(copies: Iterable[Copies]) -> dict[str, list[dict[str, Any]]]:
    """Groups of copies by their problem, the most certain first."""
    kinds: dict[str, list[dict[str, Any]]] = {
        "label_conflicts": [],
        "near_conflicts": [],
        "exact_duplicates": [],
        "near_duplicates": [],
    }
    for group in sorted(copies, key=lambda g: -g.similarity):
        files = [picture.summary() for picture in group.pictures]
        if group.exact:
            kind = "label_conflicts" if group.conflict else "exact_duplicates"
            how: dict[str, Any] = {"identical_files": group.identical_files()}
        else:
            kind = "near_conflicts" if group.conflict else "near_duplicates"
            how = {"similarity": group.similarity}
            for file in files:
                file["mirrored"] = file["file"] in group.mirrored
        kinds[kind].append({**how, "files": files})
    return kinds


def _plain(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """Pictures of almost one colour."""
    if not pictures:
        return []
    flags = plain(np.stack([picture.thumbnail for picture in pictures]))
    return [
        p.summary() for p, flag in zip(pictures, flags, strict=True) if flag
    ]


def _exclusions(
    excluded: Iterable[str],
    unreadable: dict[str, str],
    copies: Iterable[Copies],
) -> dict[str, str]:
    """The files to leave out, with the reasons."""
    reasons = dict.fromkeys(excluded, "excluded before")
    for name, reason in unreadable.items():
        reasons[name] = f"unreadable: {reason}"
    # First what is certain: a near copy of a file that goes may stay.
    for group in sorted(copies, key=lambda group: not group.exact):
        reasons.update(group.exclusions(reasons))
    return reasons
