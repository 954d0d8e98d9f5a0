"""The builders that TFDS brings along."""

import importlib
import inspect
import pathlib

# What TFDS prepares a data set with, and does not install: module, package.
_NEEDS = {
    # For its segmentation masks, of which nothing is read here.
    "caltech_birds2011": ("cv2", "opencv-python-headless"),
    "stanford_dogs": ("scipy", "scipy"),
}


def find_builder(name, data_dir=None):
    """TFDS's builder of a data set, prepared or not.

    Args:
        name: str, as TFDS names it, with the versions that will do if need be.
        data_dir: TFDS directory, where prepared data is found and put; TFDS's
            own by default.

    Returns:
        `tfds.core.DatasetBuilder`.
    """
    import tensorflow_datasets as tfds

    set_code_path(tfds.builder_cls(name.partition(":")[0]))
    return tfds.builder(name, data_dir=data_dir)


def prepare_builder(name, data_dir=None, otherwise=""):
    """TFDS's builder of a data set that it downloads, prepared.

    Args:
        name: str, as TFDS names it.
        data_dir: as in `find_builder`.
        otherwise: str, what else a user could do where it fails.

    Returns:
        `tfds.core.DatasetBuilder`.

    Raises:
        ImportError: for want of a package that TFDS prepares it with.
        ValueError: if it cannot be downloaded or prepared, or the directory
            has other things in it.
    """
    builder = find_builder(name, data_dir)
    if builder.is_prepared():
        return builder
    folder = pathlib.Path(builder.data_dir).parents[1]
    _check_directory(folder, name, otherwise)
    # Before the download, after which TFDS would notice.
    if name in _NEEDS:
        _check_module(*_NEEDS[name], name, folder)
    try:
        builder.download_and_prepare()
    except Exception as error:  # TFDS lets many types out.
        archives = {info.filename for info in builder.url_infos.values()}
        raise ValueError(
            f"{name} must be in the TFDS directory, or be downloaded there. "
            f"Received: {folder}, without it, and {error}. Fix: put the "
            f"official {', '.join(sorted(archives))} into "
            f"{folder / 'downloads' / 'manual'}, or give another directory"
            f"{otherwise}."
        ) from error
    return builder


def _check_directory(folder, name, otherwise):
    """Nothing is downloaded into a folder of somebody's pictures."""
    if not folder.is_dir():
        return
    entries = sorted(path.name for path in folder.iterdir())
    # Data set, version; some have a configuration between.
    prepared = [
        path
        for depth in ("*/*", "*/*/*")
        for path in folder.glob(f"{depth}/dataset_info.json")
    ]
    if entries and not prepared and not {"downloads", name} & {*entries}:
        raise ValueError(
            f"{name} is downloaded into a TFDS directory, which may be new or "
            f"empty. Received: {folder}, with {entries[0]} and other "
            f"things in it. Fix: another directory{otherwise}; for pictures "
            "of your own python -m recipes.folder."
        )


def _check_module(module, package, name, folder):
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} must be installed where TFDS prepares {name}. "
            f"Received: {folder}, without {name}, and {error}. Fix: pip "
            f"install {package}, or give a TFDS directory with {name} in it."
        ) from error


def set_code_path(builder_class):
    """Tells a builder where its class lies, its README and checksums beside it.

    TFDS 4.9.10 finds out by `importlib_resources`, which it does not require
    on the Pythons that it runs on.
    """
    from etils import epath

    builder_class.code_path = epath.Path(inspect.getfile(builder_class))
