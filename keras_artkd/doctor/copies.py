"""Groups of files that show one picture."""

import dataclasses
import hashlib

import numpy as np

from keras_artkd.datasets.exclusions import quoted
from keras_artkd.doctor.fingerprints import near_pairs


@dataclasses.dataclass(frozen=True)
class Copies:
    """Two or more files that show one picture.

    Attributes:
        pictures: list of `Picture`, the largest in front; of equally large
            ones that with most bytes, and of exact copies the first by name.
        similarity: float, the lowest that joined them; 1 if `exact`.
        exact: whether all have the same pixels at the size of training.
    """

    pictures: list
    similarity: float
    exact: bool

    @property
    def conflict(self):
        """Whether two classes hold the picture: one label must be wrong."""
        return len({picture.class_name for picture in self.pictures}) > 1

    def exact_parts(self):
        """The groups of exact copies within a group that is not all exact."""
        if self.exact:
            return []
        parts = {}
        for picture in self.pictures:
            parts.setdefault(picture.digest, []).append(picture)
        return [
            Copies(part, 1.0, True) for part in parts.values() if len(part) > 1
        ]

    def identical_files(self):
        """Whether the files are equal byte for byte."""
        if not self.exact or len({p.size for p in self.pictures}) > 1:
            return False
        digests = set()
        for picture in self.pictures:
            with open(picture.path, "rb") as file:
                digests.add(hashlib.file_digest(file, "blake2b").digest())
        return len(digests) == 1

    def exclusions(self):
        """Dict of file name -> reason: the other labels, or all but the best.

        Of a picture with two labels nobody can tell which is right, so that
        every file goes.
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


def find_copies(pictures):
    """Every group of files that show one picture, exactly or nearly.

    A copy of a copy is in the same group. Exact copies among nearly equal
    files are a group by themselves as well.

    Args:
        pictures: list of `Picture`, sorted by name.

    Returns:
        list of `Copies`, in the order of their first files.
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
    members = {}
    for picture, digest_number in zip(pictures, number, strict=True):
        members.setdefault(group[digest_number], []).append(picture)
    groups = [
        _copies(files, round(float(lowest[i]), 4))
        for i, files in members.items()
        if len(files) > 1
    ]
    # What is sure is told by itself, and as the loader would meet it.
    return [
        found for group in groups for found in (group, *group.exact_parts())
    ]


def _copies(pictures, similarity):
    """`Copies` with the best in front."""
    most_bytes = {}
    for picture in pictures:
        most = max(picture.size, most_bytes.get(picture.digest, 0))
        most_bytes[picture.digest] = most

    def worth(picture):
        # More bytes are a better encoding, unless the outcome is the same:
        # exact copies stay by name, in this group as in one of their own.
        return picture.width * picture.height, most_bytes[picture.digest]

    best_first = sorted(pictures, key=worth, reverse=True)
    return Copies(best_first, similarity, len(most_bytes) == 1)


def _join(count, pairs):
    """The lowest position that each of `count` is joined to by pairs."""
    group = np.arange(count)
    while True:
        before = group.copy()
        np.minimum.at(group, pairs[:, 0], before[pairs[:, 1]])
        np.minimum.at(group, pairs[:, 1], before[pairs[:, 0]])
        if (group == before).all():
            return group
