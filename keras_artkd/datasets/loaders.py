"""`load`: any data set, by name, as a `Collection`."""

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, get_args

from keras_artkd.data.images import read_image
from keras_artkd.data.memory import CACHE_SIZE
from keras_artkd.datasets.archives.prepared import (
    check_paintings,
    check_photographs,
    load_paintings,
    load_photographs,
)
from keras_artkd.datasets.archives.storage import read_as_stored
from keras_artkd.datasets.cifar import check_cifar, load_cifar
from keras_artkd.datasets.collection import Collection
from keras_artkd.datasets.dividing import divide
from keras_artkd.datasets.examples import Loaded
from keras_artkd.datasets.fitting import check_fit
from keras_artkd.datasets.folder import check_folder, load_folder
from keras_artkd.datasets.folds import check_folds
from keras_artkd.datasets.generated import check_atelier, load_atelier
from keras_artkd.datasets.imagenet import check_imagenet, load_imagenet
from keras_artkd.datasets.npz import check_npz, load_npz
from keras_artkd.datasets.records import Reader
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.tfds.classification import (
    PREFIX,
    check_tfds,
    load_tfds,
)
from keras_artkd.datasets.tfds.downloaded import (
    check_downloaded,
    load_downloaded,
)
from keras_artkd.datasets.unlabelled import (
    check_share,
    check_unlabelled_folder,
)
from keras_artkd.types import Path

_GROUPS = ("none", "artist")


@dataclasses.dataclass(frozen=True)
class Loader:
    """A row of `LOADERS`.

    Attributes:
        load: function of a `LoadRequest`, and of the data set's own options
            as keyword-only parameters; returns `Loaded`.
        check: function of a `LoadRequest` that raises ValueError or OSError
            for whatever is wrong with it and can be seen at once. It decodes
            no image and imports neither Keras nor TensorFlow.
        artists: bool, whether the data set knows artists.
        in_memory: bool, whether the training images are in memory.
        read: function that decodes a file as the data set's images are.
    """

    load: Callable[..., Loaded]
    check: Callable[[LoadRequest], None]
    artists: bool = False
    in_memory: bool = True
    read: Reader = read_image


_CIFAR = Loader(load_cifar, check_cifar)
_DOWNLOADED = Loader(load_downloaded, check_downloaded)
_PHOTOGRAPHS = Loader(load_photographs, check_photographs, read=read_as_stored)
_PAINTINGS = Loader(
    load_paintings, check_paintings, artists=True, read=read_as_stored
)
_ANY_OF_TFDS = f"{PREFIX}NAME"

# Adding a data set: a loader and its check, and one row here.
LOADERS = {
    "atelier": Loader(load_atelier, check_atelier),
    "folder": Loader(load_folder, check_folder, artists=True),
    "cifar10": _CIFAR,
    "cifar100": _CIFAR,
    "tiny_imagenet": _PHOTOGRAPHS,
    "imagenet": Loader(load_imagenet, check_imagenet, in_memory=False),
    "cub200": _DOWNLOADED,
    "stanford_dogs": _DOWNLOADED,
    "stanford40": _PHOTOGRAPHS,
    "mit67": _PHOTOGRAPHS,
    "npz": Loader(load_npz, check_npz),
    "pandora18k": _PAINTINGS,
    "wikiart": _PAINTINGS,
    "multitask_painting100k": _PAINTINGS,
    _ANY_OF_TFDS: Loader(load_tfds, check_tfds),
}


def load(
    name: str,
    data_dir: Path | None = None,
    short_side: int | None = 72,
    group: str = "none",
    limit: int | None = None,
    split_seed: int = 0,
    cache_dir: Path | None = None,
    unlabelled: float = 0.0,
    unlabelled_dir: Path | None = None,
    folds: int | None = None,
    fold: int | None = None,
    fit: str = "crop",
    cache_size: float = CACHE_SIZE,
    **options: Any,
) -> Collection:
    """Loads a data set by name, decoded, split and checked for leaks.

    Args:
        name: str, one of `LOADERS`. `tfds:NAME` is any set of labelled images
            that TensorFlow Datasets (TFDS) knows or has prepared, such as
            `tfds:beans` or `tfds:oxford_iiit_pet:3.*.*` (see
            `keras_artkd.datasets.tfds.classification.load_tfds`).
        data_dir: where the images are: a directory of class folders
            (`folder`), an .npz file (`npz`), the contents of the archive
            (`pandora18k`, `wikiart`, `multitask_painting100k`,
            `tiny_imagenet`, `stanford40`, `mit67`); a TFDS directory
            (`cub200`, `stanford_dogs`, `tfds:NAME`), a TFDS directory or an
            .npz file (`cifar10`, `cifar100`), a TFDS directory or the folder
            of the archives (`imagenet`). `None` is TFDS's own directory, into
            which all of the last but ImageNet are downloaded where they are not
            there yet. `atelier` paints its own images and needs none.
        short_side: int, pixels: every image's shorter side. `None` keeps the
            stored sizes.
        group: `"none"`, or `"artist"` for splits that share no artist.
        limit: int, the largest number of images in all. Classes keep their
            shares. `None` takes all.
        split_seed: int, of the random split.
        cache_dir: where archives are kept prepared, except those that TFDS
            downloads, which are in `data_dir`; and decoded images that are too
            many for memory. Defaults to `keras_artkd` in TFDS's own directory.
            An `imagenet` found prepared has its index
            there, or beside it.
        unlabelled: float in [0, 1), share of the training split whose labels
            are hidden: chosen by `split_seed`, stratified. At least one image
            of each class keeps its label.
        unlabelled_dir: a folder of images without labels, at any depth, to
            learn from in addition, at most `limit` of them. In the directory
            of a `folder` it may be called `unlabelled`, which is no class
            there. Images that the data set already holds are left out, with
            `group="artist"` also those of artists that validate or test.
        folds: int, in how many parts to divide all images, of which one
            tests: of data sets whose images are split at random. None has
            70 % to train on, and 15 % each to validate and to test.
        fold: int, from 0 on, the part that tests; of the rest 15 % validate.
            None: all images train. They are the test split, too, for what
            the folds found together.
        fit: how a picture becomes square: `"crop"` leaves it for a crop
            later, `"stretch"` and `"pad"` (with black) show all of it.
        cache_size: float, gigabytes of disk for decoded images, of all data
            sets together. Those that were not used for longest are removed
            first.
        **options: of the data set. `folder`: `exclude`, a file that lists
            images to leave out (see `keras_artkd.datasets.exclusions`).
            `atelier`: `scenes`, their number. `wikiart` and
            `multitask_painting100k`: `official=True` for their own test
            split. `npz` and `tfds:NAME` (0.15), `imagenet` (1/128) and all
            other photographs (0.1), which have test splits of their own:
            `validation_fraction` of train. `npz`, `cifar10` and `cifar100`:
            `classes`, only the first so many, and `per_class`, only the first
            so many training images of each. `tfds:NAME`: `label`, the feature
            with the labels.

    Returns:
        `Collection`. Classes without any image are left out of it.

    Raises:
        ValueError: for arguments or data that cannot be used.
        OSError: if a folder or a file cannot be read.
        ImportError: if TFDS needs a further package to prepare the data set.

    Example:
        >>> load("atelier", scenes=24, short_side=32).test.sizes[0].tolist()
        [32, 32]
    """
    request = check_request(
        name,
        data_dir=data_dir,
        short_side=short_side,
        group=group,
        limit=limit,
        split_seed=split_seed,
        cache_dir=cache_dir,
        unlabelled=unlabelled,
        unlabelled_dir=unlabelled_dir,
        folds=folds,
        fold=fold,
        fit=fit,
        cache_size=cache_size,
        **options,
    )
    loader = _find_loader(name)
    return divide(
        loader.load(request, **options),
        request,
        loader.read,
        unlabelled,
        folds,
        fold,
    )


def load_folds(
    name: str,
    folds: int,
    unlabelled: float = 0.0,
    unlabelled_dir: Path | None = None,
    **arguments: Any,
) -> Callable[[int | None], Collection]:
    """Loads a data set once, for all of its folds.

    Args:
        name: str, of the data set.
        folds: int, see `load`.
        unlabelled: see `load`.
        unlabelled_dir: see `load`.
        **arguments: others of `load`.

    Returns:
        A function of `fold` that returns what `load` would.

    Raises:
        ValueError: for arguments or data that cannot be used.
        OSError: if a folder or a file cannot be read.
    """
    request = check_request(
        name,
        folds=folds,
        unlabelled=unlabelled,
        unlabelled_dir=unlabelled_dir,
        **arguments,
    )
    loader = _find_loader(name)
    return functools.partial(
        divide,
        loader.load(request, **request.options),
        request,
        loader.read,
        unlabelled,
        folds,
    )


def check_request(
    name: str,
    data_dir: Path | None = None,
    short_side: int | None = 72,
    group: str = "none",
    limit: int | None = None,
    split_seed: int = 0,
    cache_dir: Path | None = None,
    unlabelled: float = 0.0,
    unlabelled_dir: Path | None = None,
    folds: int | None = None,
    fold: int | None = None,
    fit: str = "crop",
    cache_size: float = CACHE_SIZE,
    **options: Any,
) -> LoadRequest:
    """Checks all arguments of `load`, as far as that takes a moment.

    It looks at names, options and folders. It decodes no image and imports
    neither Keras nor TensorFlow.

    Returns:
        `LoadRequest`, for a loader.

    Raises:
        ValueError: for arguments or a folder that cannot be used.
        OSError: if a folder or a file cannot be read.
    """
    loader = _find_loader(name)
    if group not in _GROUPS:
        raise ValueError(
            f"`group` must be one of {_GROUPS}. Received: group={group!r}."
        )
    if group == "artist" and not loader.artists:
        raise ValueError(
            f"Data set {name!r} knows no artists. Received: "
            'group="artist". Fix: group="none".'
        )
    if limit is not None and limit < 1:
        raise ValueError(
            f"`limit` must be at least 1, or None. Received: limit={limit}."
        )
    _check_options(name, loader, options)
    check_share(unlabelled)
    check_folds(folds, fold)
    if folds is not None:
        _check_folds_of(name, loader, options)
    if unlabelled or unlabelled_dir is not None:
        _check_unlabelled(name, loader, data_dir, unlabelled_dir)
    request = LoadRequest(
        name=name,
        data_dir=data_dir,
        short_side=short_side,
        group=group,
        limit=limit,
        split_seed=split_seed,
        cache_dir=cache_dir,
        options=options,
        fit=fit,
        unlabelled_dir=unlabelled_dir,
        cache_size=cache_size,
    )
    check_fit(fit, short_side, loader.in_memory)
    loader.check(request)
    return request


def _find_loader(name: str) -> Loader:
    key = _ANY_OF_TFDS if name.startswith(PREFIX) else name
    if key not in LOADERS:
        raise ValueError(
            f"`name` must be a known data set: {', '.join(LOADERS)}. "
            f"Received: name={name!r}."
        )
    return LOADERS[key]


def _check_options(name: str, loader: Loader, options: dict[str, Any]) -> None:
    parameters = inspect.signature(loader.load).parameters.values()
    annotations = {
        p.name: p.annotation for p in parameters if p.kind is p.KEYWORD_ONLY
    }
    known = [*annotations]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"Data set {name!r} knows the options {known}. "
            f"Received: {', '.join(unknown)}."
        )
    for option, value in options.items():
        kinds = get_args(annotations[option]) or (annotations[option],)
        number = bool({int, float, bool} & {*kinds})
        if number == isinstance(value, str | os.PathLike):
            raise ValueError(
                f"Option {option!r} of {name!r} must be a "
                f"{'number' if number else 'name or a path'}. "
                f"Received: {option}={value!r}."
            )
    fraction = options.get("validation_fraction", 0.1)
    if not 0 < fraction < 1:
        raise ValueError(
            "`validation_fraction` must be between 0 and 1. Received: "
            f"validation_fraction={fraction}."
        )


def _check_folds_of(
    name: str, loader: Loader, options: Mapping[str, Any]
) -> None:
    # Those that know artists are all split at random, unless told otherwise.
    if not loader.artists or options.get("official"):
        raise ValueError(
            "Folds are for data sets whose images are split at random: "
            f"{', '.join(k for k, v in LOADERS.items() if v.artists)}. "
            f"Received: folds with name={name!r}"
            f"{', official=True' if options.get('official') else ''}."
        )


def _check_unlabelled(
    name: str,
    loader: Loader,
    data_dir: Path | None,
    unlabelled_dir: Path | None,
) -> None:
    """Checks what would otherwise fail after everything was decoded."""
    if not loader.in_memory:
        raise ValueError(
            "Images without labels require a data set that is in memory as a "
            f"whole. Received: name={name!r}, whose training images stay on "
            "disk."
        )
    if unlabelled_dir is not None:
        inside = data_dir if name == "folder" else None
        check_unlabelled_folder(unlabelled_dir, inside)
