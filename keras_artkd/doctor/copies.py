"""Groups of files that show one picture."""

import dataclasses
import hashlib
from collections.abc import Container, Sequence

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
        mirrored: names of those that are mirror images of the first.
    """

    pictures: list[Picture]
    similarity: float
    exact: bool
    mirrored: frozenset[str] = frozenset()

    @property
    def conflict(self) -> bool:
        """Whether it is in two classes: if exact, one label must be wrong."""
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

    def exclusions(self, gone: Container[str] = ()) -> dict[str, str]:
        """The files to leave out: file name -> reason.

        Of each class these are all but the best. If the very same picture has
        two labels, nobody can tell which is right, and these are all files.
        If pictures of two classes are only nearly the same, both may be right:
        a person must look, and the best of either class stays.

        Args:
            gone: names of files that are left out for other reasons.
        """
        if self.exact and self.conflict:
            return self._conflict_exclusions()
        reasons: dict[str, str] = {}
        best: dict[str, Picture] = {}
        for picture in self.pictures:
            if picture.name in gone:
                continue
            first = best.setdefault(picture.class_name, picture)
            if first is not picture:
                reasons[picture.name] = self._reason(picture, first)
        return reasons

    def _conflict_exclusions(self) -> dict[str, str]:
        best = self.pictures[0]
        rival = next(
            p for p in self.pictures if p.class_name != best.class_name
        )
        reasons = {}
        for picture in self.pictures:
            same_class = picture.class_name == best.class_name
            other = rival if same_class else best
            reasons[picture.name] = (
                f"{self._reason(picture, other)} of another class"
            )
        return reasons

    def _reason(self, picture: Picture, other: Picture) -> str:
        if self.exact:
            same = "same picture as"
        elif (picture.name in self.mirrored) != (other.name in self.mirrored):
            same = "mirror image of"
        else:
            same = "nearly the same picture as"
        return f"{same} {quoted(other.name)}"


def find_copies(pictures: Sequence[Picture]) -> list[Copies]:
    """Finds every group of files that show one picture, exactly or nearly.

    Mirror images show it, too. A copy of a copy is in the same group. Exact
    copies among nearly equal files are also a group of their own.

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
    colours = np.stack([pictures[i].colours for i in firsts])
    pairs, similarities, mirrored = near_pairs(thumbnails, colours)
    group, turned = _join(len(firsts), pairs, mirrored)
    lowest = np.ones(len(firsts))
    np.minimum.at(lowest, group[pairs[:, 0]], similarities)
    members: dict[int, list[Picture]] = {}
    mirror_images = set()
    for picture, digest_number in zip(pictures, number, strict=True):
        members.setdefault(group[digest_number], []).append(picture)
        if turned[digest_number]:
            mirror_images.add(picture.name)
    groups = [
        _copies(files, round(float(lowest[i]), 4), mirror_images)
        for i, files in members.items()
        if len(files) > 1
    ]
    # Exact copies are certain, and the loader finds them too.
    return [
        found for group in groups for found in (group, *group.exact_parts())
    ]


def _copies(
    pictures: Sequence[Picture], similarity: float, turned: set[str]
) -> Copies:
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
    names = {picture.name for picture in pictures}
    mirrored = names & turned
    if best_first[0].name in turned:
        mirrored = names - turned
    return Copies(
        best_first, similarity, len(most_bytes) == 1, frozenset(mirrored)
    )


def _join(count: int, pairs: Array, mirrored: Array) -> tuple[Array, Array]:
    """Joins positions by pairs; follows which way round they are.

    Args:
        count: of positions.
        pairs: int64 `(m, 2)`.
        mirrored: bool `(m,)`, whether one of a pair is the other's mirror
            image.

    Returns:
        `(group, turned)`: for each position the lowest that pairs join it to,
        and whether it is that one's mirror image.
    """
    # Every position stands for two pictures: itself, and its mirror image at
    # `count` more.
    first, second = pairs.T
    shift = np.where(mirrored, count, 0)
    one = np.concatenate([first, first + count])
    two = np.concatenate([second + shift, second + count - shift])
    lowest = np.arange(2 * count)
    while True:
        before = lowest.copy()
        np.minimum.at(lowest, one, before[two])
        np.minimum.at(lowest, two, before[one])
        if (lowest == before).all():
            break
    itself, mirror_image = lowest[:count], lowest[count:]
    return np.minimum(itself, mirror_image), mirror_image < itself
