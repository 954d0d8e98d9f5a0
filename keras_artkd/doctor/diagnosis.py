"""The examination of a data folder."""

import collections
import dataclasses

import numpy as np

from keras_artkd.datasets.exclusions import exclude_records, read_exclusions
from keras_artkd.datasets.folder import find_records
from keras_artkd.doctor.copies import find_copies
from keras_artkd.doctor.fingerprints import plain
from keras_artkd.doctor.pictures import read_pictures
from keras_artkd.doctor.strays import empty_classes, find_strays

# Train, validation and test want one each.
MIN_IMAGES = 3
# With fewer, a class has three images or less to be tested on.
FEW_IMAGES = 20
# The loader crops what is longer.
MAX_ASPECT = 2.0


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What `examine` found; every list holds what JSON can.

    Attributes:
        data_dir: str.
        short_side: int, pixels, at which pictures were compared.
        images: int, files that the loader would read.
        excluded: int, files left out by a list beforehand.
        classes: list of `{class, images, usable}`, smallest first. `usable`
            counts what training gets: readable, no picture twice.
        findings: dict of lists, what had better be mended:
            `unreadable` `{file, reason}`;
            `label_conflicts` `{exact, similarity, files}`, a picture in two
            classes; `exact`: the pixels are equal, else nearly so;
            `exact_duplicates` `{identical_files, files}`, a picture twice in
            a class; `identical_files`: byte for byte, else only the pixels;
            `near_duplicates` `{similarity, files}`, such as a smaller copy
            in the same class;
            `tiny` `{file, class, width, height, bytes}`;
            `misnamed` `{file, format}`, images that the loader does not see
            for their extension;
            `empty_classes` names of class folders;
            `small_classes` `{class, usable}`, with less than 3 images, which
            cannot be split into train, validation and test.
            In `files`, each `{file, class, width, height, bytes}`, the
            largest image comes first. Files with equal pixels that are also
            near others are in two findings: an exact one of their own (a
            label conflict or duplicates), and the near one with all of them.
        notes: dict of lists, good to know: `few_images` `{class, usable}`,
            classes with less than 20; `elongated`, images that the loader
            crops to 2:1, and `plain`, images of almost one colour, `{file,
            class, width, height, bytes}`; `ignored` `{file, reason}`, files
            that are no images or in no class folder, and links to folders.
        exclusions: dict of file name -> reason: what to leave out so that no
            file is unreadable and no picture is there twice, with what was
            left out beforehand.
    """

    data_dir: str
    short_side: int
    images: int
    excluded: int
    classes: list
    findings: dict
    notes: dict
    exclusions: dict

    @property
    def healthy(self):
        """Whether there are no findings; notes alone do no harm."""
        return not any(self.findings.values())

    @property
    def imbalance(self):
        """Images of the largest class for one of the smallest, or None."""
        usable = [row["usable"] for row in self.classes]
        return usable[-1] / usable[0] if usable[0] else None

    def document(self):
        """All of it as JSON has it.

        File names are posix paths below the directory; a byte that is not
        UTF-8 is a lone surrogate, as Python's `os.fsdecode` has it.
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


def examine(data_dir, short_side=72, min_side=64, exclude=None, progress=None):
    """Examines a folder of images, one sub-folder a class.

    Files are found and read as `keras_artkd.datasets.load("folder", ...)`
    does, so that what is said is what training would meet.

    Args:
        data_dir: directory of class folders.
        short_side: int, pixels, as of `load`: the size at which two pictures
            are the same if their pixels are.
        min_side: int, pixels: images whose shorter side is less are tiny.
        exclude: file that lists images to leave out, or None.
        progress: called with how many files are read and how many there are.

    Returns:
        `Diagnosis`.

    Raises:
        ValueError: if there are no two class folders with images.
        OSError: if a folder cannot be read.
    """
    class_names, records, _ = find_records(data_dir)
    excluded = []
    if exclude is not None:
        records, _ = exclude_records(records, data_dir, exclude)
        excluded = read_exclusions(exclude)
    pictures, unreadable = read_pictures(
        records, class_names, data_dir, short_side, progress
    )
    copies = find_copies(pictures)
    classes = _classes(class_names, records, pictures)
    misnamed, ignored = find_strays(data_dir)
    findings = {
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


def _classes(class_names, records, pictures):
    """What each class holds, and what of it training can use."""
    images = collections.Counter(record.label for record in records)
    contents = collections.defaultdict(set)
    for picture in pictures:
        contents[picture.class_name].add(picture.digest)
    rows = [
        {"class": name, "images": images[i], "usable": len(contents[name])}
        for i, name in enumerate(class_names)
    ]
    return sorted(rows, key=lambda row: row["usable"])


def _with_usable(classes, low, high):
    """Classes with at least `low` and less than `high` usable images."""
    return [
        {"class": row["class"], "usable": row["usable"]}
        for row in classes
        if low <= row["usable"] < high
    ]


def _by_kind(copies):
    """Groups of copies by what is wrong with them, the surest first."""
    kinds = {
        "label_conflicts": [],
        "exact_duplicates": [],
        "near_duplicates": [],
    }
    for group in sorted(copies, key=lambda g: (not g.exact, -g.similarity)):
        files = [picture.summary() for picture in group.pictures]
        similarity = {"similarity": group.similarity}
        if group.conflict:
            kinds["label_conflicts"].append(
                {"exact": group.exact, **similarity, "files": files}
            )
        elif group.exact:
            identical = {"identical_files": group.identical_files()}
            kinds["exact_duplicates"].append({**identical, "files": files})
        else:
            kinds["near_duplicates"].append({**similarity, "files": files})
    return kinds


def _plain(pictures):
    """Pictures of almost one colour."""
    if not pictures:
        return []
    flags = plain(np.stack([picture.thumbnail for picture in pictures]))
    return [pictures[i].summary() for i in np.flatnonzero(flags)]


def _exclusions(excluded, unreadable, copies):
    """What to leave out, and why."""
    reasons = dict.fromkeys(excluded, "excluded before")
    for name, reason in unreadable.items():
        reasons[name] = f"unreadable: {reason}"
    for group in copies:
        reasons.update(group.exclusions())
    return reasons
