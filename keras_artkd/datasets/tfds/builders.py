"""The builders that come with TensorFlow Datasets (TFDS)."""

import difflib
import importlib
import inspect
import pathlib
import re
from typing import Any, TypeAlias

from keras_artkd.types import Path

Builder: TypeAlias = Any
"""A `tfds.core.DatasetBuilder`, which has no types."""

Info: TypeAlias = Any
"""A builder's information about its data or one split."""

# What TFDS requires to prepare a data set but does not install: module,
# package.
_NEEDS = {
    # For its segmentation masks, of which nothing is read here.
    "caltech_birds2011": ("cv2", "opencv-python-headless"),
    "stanford_dogs": ("scipy", "scipy"),
}


def find_builder(name: str, data_dir: Path | None = None) -> Builder:
    """Returns TFDS's builder of a data set, prepared or not.

    Args:
        name: str, as TFDS names it, with the configuration and the acceptable
            versions if necessary: `beans`, `oxford_iiit_pet:3.*.*`. A data set
            that is prepared in `data_dir` needs no code.
        data_dir: TFDS directory, where prepared data is found and put; TFDS's
            own by default.

    Returns:
        `tfds.core.DatasetBuilder`.

    Raises:
        ValueError: if TFDS has no such data set.
    """
    import tensorflow_datasets as tfds

    try:
        set_code_path(tfds.builder_cls(_plain(name)))
    except tfds.core.DatasetNotFoundError:
        pass  # Its files may be enough.
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        like = difflib.get_close_matches(_plain(name), known)
        raise ValueError(
            "TFDS must know a data set by its name, or have it prepared. "
            f"Received: {name}, which is not in {data_dir or 'its directory'}"
            f" either. Fix: {' or '.join(like) or 'a name'} of "
            "https://www.tensorflow.org/datasets/catalog/overview."
        ) from None
    except (ValueError, AssertionError) as error:
        raise ValueError(
            "A data set must be one that TFDS has, in that configuration and "
            f"version. Received: {name}, and {error}."
        ) from error


def prepare_builder(
    name: str, data_dir: Path | None = None, otherwise: str = ""
) -> Builder:
    """Returns TFDS's builder of a data set, downloaded and prepared.

    Args:
        name: str, as in `find_builder`.
        data_dir: as in `find_builder`.
        otherwise: str, what else a user could do where it fails.

    Returns:
        `tfds.core.DatasetBuilder`.

    Raises:
        ImportError: if a package is missing that TFDS prepares it with.
        ValueError: if it cannot be downloaded or prepared, or the directory
            holds something else.
    """
    builder = find_builder(name, data_dir)
    if builder.is_prepared():
        return builder
    folder = pathlib.Path(builder.data_dir_root)
    check_directory(folder, name, otherwise)
    # Before the download, after which TFDS would notice.
    if builder.name in _NEEDS:
        _check_module(*_NEEDS[builder.name], name, folder)
    try:
        builder.download_and_prepare()
    except Exception as error:  # TFDS raises many types.
        archives = sorted({i.filename for i in builder.url_infos.values()})
        put = (
            f"put the official {', '.join(archives)} into "
            f"{folder / 'downloads' / 'manual'}, or "
        )
        raise ValueError(
            f"{name} must be in the TFDS directory, or be downloaded there. "
            f"Received: {folder}, without it, and {error}. Fix: "
            f"{put if archives else ''}give another directory{otherwise}."
        ) from error
    return builder


def check_directory(folder: Path, name: str, otherwise: str = "") -> None:
    """Checks that a data set may be downloaded into a directory.

    Nothing is downloaded into a folder of somebody's pictures.

    Args:
        folder: TFDS directory, which need not exist.
        name: str, as in `find_builder`.
        otherwise: str, what else a user could do.

    Raises:
        ValueError: if the folder holds something else.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return
    entries = sorted(path.name for path in folder.iterdir())
    # Data set, version; some have a configuration between.
    prepared = [
        path
        for depth in ("*/*", "*/*/*")
        for path in folder.glob(f"{depth}/dataset_info.json")
    ]
    expected = {"downloads", _plain(name)}
    if entries and not prepared and not expected & {*entries}:
        raise ValueError(
            f"{name} is downloaded into a TFDS directory, which may be new or "
            f"empty. Received: {folder}, with {entries[0]} and other "
            f"things in it. Fix: another directory{otherwise}; for pictures "
            "of your own `artkd train FOLDER`."
        )


def _check_module(module: str, package: str, name: str, folder: Path) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} must be installed where TFDS prepares {name}. "
            f"Received: {folder}, without {name}, and {error}. Fix: pip "
            f"install {package}, or give a TFDS directory with {name} in it."
        ) from error


def _plain(name: str) -> str:
    """Returns the name of a data set without configuration and version."""
    return re.split("[/:]", name)[0]


def set_code_path(builder_class: Builder) -> None:
    """Tells a builder where its class is: beside its README and checksums.

    TFDS 4.9.10 uses `importlib_resources` for that, which it does not require
    on the Pythons that it runs on.
    """
    from etils import epath

    builder_class.code_path = epath.Path(inspect.getfile(builder_class))
