"""Groups of files that show one picture."""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from keras_artkd.datasets.exclusions import quoted
from keras_artkd.doctor.fingerprints import near_pairs
from keras_artkd.doctor.pictures import Picture
from keras_artkd.types import Array


@dataclasses.dataclass(frozen=True)
class Copies:
    """Two or more files that show one picture.

    Attributes:
        pictures: the largest comes first; of equally large ones the one with
            most bytes, and of exact copies the first by name.
        similarity: the lowest that joined them; 1 if `exact`.
        exact: whether all have the same pixels at the size of training.
    """

    pictures: list[Picture]
    similarity: float
    exact: bool

    @property
    def conflict(self) -> bool:
        """Whether the picture is in two classes: one label must be wrong."""
        return len({picture.class_name for picture in self.pictures}) > 1

    def exact_parts(self) -> list["Copies"]:
        """The groups of exact copies in a group that is not all exact."""
        if self.exact:
            return []
        parts: dict[str, list[Picture]] = {}
        for picture in self.pictures:
            parts.setdefault(picture.digest, []).append(picture)
        return [
            Copies(part, 1.0, True) for part in parts.values() if len(part) > 1
        ]

    def identical_files(self) -> bool:
        """Whether the files are equal byte for byte."""
        if not self.exact or len({p.size for p in self.pictures}) > 1:
            return False
        digests = set()
        for picture in self.pictures:
            with open(picture.path, "rb") as file:
                digests.add(hashlib.file_digest(file, "blake2b").digest())
        return len(digests) == 1

    def exclusions(self) -> dict[str, str]:
        """The files to leave out: file name -> reason.

        These are all but the best. If the files have two labels, nobody can
        tell which is right, and these are all files.
        """
        same = "same picture" if self.exact else "nearly the same picture"
        best = self.pictures[0]
        if not self.conflict:
            reason = f"{same} as {quoted(best.name)}"
            return {picture.name: reason for picture in self.pictures[1:]}
        rival = next(
            p for p in self.pictures if p.class_name != best.class_name
        )
        reasons = {}
        for picture in self.pictures:
            same_class = picture.class_name == best.class_name
            other = quoted((rival if same_class else best).name)
            reasons[picture.name] = f"{same} as {other} of another class"
        return reasons


def find_copies(pictures: Sequence[Picture]) -> list[Copies]:
    """Finds every group of files that show one picture, exactly or nearly.

    A copy of a copy is in the same group. Exact copies among nearly equal
    files are also a group of their own.

    Args:
        pictures: sorted by name.

    Returns:
        The groups, in the order of their first files.
    """
    digests = [picture.digest for picture in pictures]
    _, firsts, number = np.unique(
        digests, return_index=True, return_inverse=True
    )
    if not len(firsts):
        return []
    thumbnails = np.stack([pictures[i].thumbnail for i in firsts])
    pairs, similarities = near_pairs(thumbnails)
    group = _join(len(firsts), pairs)
    lowest = np.ones(len(firsts))
    np.minimum.at(lowest, group[pairs[:, 0]], similarities)
    members: dict[int, list[Picture]] = {}
    for picture, digest_number in zip(pictures, number, strict=True):
        members.setdefault(group[digest_number], []).append(picture)
    groups = [
        _copies(files, round(float(lowest[i]), 4))
        for i, files in members.items()
        if len(files) > 1
    ]
    # Exact copies are certain, and the loader finds them too.
    return [
        found for group in groups for found in (group, *group.exact_parts())
    ]


def _copies(pictures: Sequence[Picture], similarity: float) -> Copies:
    """A group with the best picture first."""
    most_bytes: dict[str, int] = {}
    for picture in pictures:
        most = max(picture.size, most_bytes.get(picture.digest, 0))
        most_bytes[picture.digest] = most

    def worth(picture: Picture) -> tuple[int, int]:
        # More bytes are a better encoding, but not if the pixels are equal:
        # exact copies stay in the order of their names, as in `exact_parts`.
        return picture.width * picture.height, most_bytes[picture.digest]

    best_first = sorted(pictures, key=worth, reverse=True)
    return Copies(best_first, similarity, len(most_bytes) == 1)


def _join(count: int, pairs: Array) -> Array:
    """For each of `count` positions the lowest that pairs join it to."""
    group = np.arange(count)
    while True:
        before = group.copy()
        np.minimum.at(group, pairs[:, 0], before[pairs[:, 1]])
        np.minimum.at(group, pairs[:, 1], before[pairs[:, 0]])
        if (group == before).all():
            return group
