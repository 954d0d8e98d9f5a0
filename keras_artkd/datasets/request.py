"""A request for a data set, as every loader gets it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_artkd.data.memory import CACHE_SIZE
from keras_artkd.datasets.image_cache import ImageCache
from keras_artkd.types import Path


@dataclasses.dataclass(frozen=True)
class LoadRequest:
    """Arguments of `keras_artkd.datasets.load`, which explains them.

    Attributes:
        name: str, the data set.
        data_dir: where the images are, or None.
        short_side: int, every image's shorter side, pixels; or None.
        group: `"none"` or `"artist"`.
        limit: int, the largest number of images, or None.
        split_seed: int.
        cache_dir: where archives are kept prepared, or None.
        options: dict of the data set's own options.
        fit: one of `keras_artkd.data.images.FITS`.
        unlabelled_dir: a folder of further images without labels, or None.
        cache_size: float, gigabytes of disk for decoded images.
        images: `ImageCache`, made of the others.
    """

    name: str
    data_dir: Path | None
    short_side: int | None
    group: str
    limit: int | None
    split_seed: int
    cache_dir: Path | None
    options: Mapping[str, Any]
    fit: str = "crop"
    unlabelled_dir: Path | None = None
    cache_size: float = CACHE_SIZE
    images: ImageCache = dataclasses.field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Makes `images`: all that is read shares one budget of memory."""
        cache = ImageCache(self.cache_dir, self.cache_size, self.fit)
        object.__setattr__(self, "images", cache)

    @property
    def by_artist(self) -> bool:
        """Whether no artist may be in two splits."""
        return self.group == "artist"

    @property
    def folder(self) -> Path:
        """`data_dir` of a data set that cannot do without."""
        if self.data_dir is None:
            raise ValueError(
                f"Data set {self.name!r} needs `data_dir`, where its images "
                "are. Received: data_dir=None."
            )
        return self.data_dir
