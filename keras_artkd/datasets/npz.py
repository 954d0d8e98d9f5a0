"""Arrays in one .npz file, under the names Keras users know."""

import contextlib
import pathlib
import zipfile
from collections.abc import Iterator

import numpy as np

from keras_artkd.datasets.arrays import Arrays, check_arrays, split_arrays
from keras_artkd.datasets.examples import Loaded
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.files import read_array, why_damaged
from keras_artkd.types import Array, Path

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_NAMES = ("class_names", "fine_names")
# More than any data set has; each class becomes a column of every network.
_MOST_CLASSES = 100_000


def check_npz(request: LoadRequest) -> None:
    """Checks that the .npz file holds the arrays, without reading them."""
    check_arrays(request)
    with _opened(request.folder):
        pass


def load_npz(
    request: LoadRequest,
    *,
    validation_fraction: float = 0.15,
    classes: int | None = None,
    per_class: int | None = None,
) -> Loaded:
    """Loads the arrays of an .npz file; see `split_arrays`."""
    arrays = read_npz(request.folder)
    return split_arrays(
        arrays, request, validation_fraction, classes, per_class
    )


def read_npz(path: Path) -> Arrays:
    """Reads and checks `x_train y_train x_test y_test` of an .npz file.

    Args:
        path: the file, or a directory that holds exactly one .npz.

    Returns:
        `Arrays`; grey images are repeated. Names come from `class_names` or
        `fine_names`, otherwise they are the numbers.
    """
    with _opened(path) as file:
        keys = [key for key in _ARRAYS + _NAMES if key in file.files]
        try:
            arrays = {key: read_array(file, key) for key in keys}
        except ValueError as error:
            raise ValueError(_unreadable(path, error)) from error
    train, test = (
        _labelled_images(split, arrays) for split in ("train", "test")
    )
    num_classes = 1 + max(int(labels.max()) for _, labels in (train, test))
    names = next((arrays[key] for key in _NAMES if key in arrays), None)
    if names is None:
        names = np.arange(num_classes)
    elif names.ndim != 1 or not num_classes <= len(names) <= _MOST_CLASSES:
        raise ValueError(
            "The class names must be one per class. Received: names of shape "
            f"{names.shape}, labels up to {num_classes - 1}."
        )
    class_names = [
        n.decode() if isinstance(n, bytes) else str(n) for n in names
    ]
    return Arrays(class_names, train, test)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """Context with an open .npz file that holds the arrays."""
    path = _find(pathlib.Path(path))
    try:
        if not zipfile.is_zipfile(path):  # `np.load` would try a pickle.
            raise zipfile.BadZipFile("not a zip archive, or cut short")
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in _ARRAYS if key not in file.files]
            if missing:
                raise ValueError(
                    f"An .npz data set must hold {', '.join(_ARRAYS)}. "
                    f"Received: {path} without {', '.join(missing)}; it "
                    f"holds {', '.join(file.files) or 'nothing'}."
                )
            yield file
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise ValueError(_unreadable(path, error)) from error
    except Exception as error:  # NumPy, zipfile and zlib raise many types.
        raise ValueError(_unreadable(path, error)) from error


def _unreadable(path: Path, error: Exception) -> str:
    return (
        f"{path} must be a readable .npz file. Received: {why_damaged(error)}."
    )


def _find(path: pathlib.Path) -> pathlib.Path:
    if not path.is_dir():
        if not path.exists():
            raise ValueError(
                "`data_dir` must be an .npz file or a directory with one. "
                f"Received: data_dir={str(path)!r}, which does not exist."
            )
        return path
    files = sorted(path.glob("*.npz"))
    if len(files) != 1:
        raise ValueError(
            "The data directory must hold exactly one .npz file. Received: "
            f"data_dir={str(path)!r} with {[f.name for f in files]}. Fix: "
            "give the file itself."
        )
    return files[0]


def _labelled_images(
    split: str, arrays: dict[str, Array]
) -> tuple[Array, Array]:
    """Returns the checked images and labels of a split."""
    images = _images(f"x_{split}", arrays[f"x_{split}"])
    labels = _labels(f"y_{split}", arrays[f"y_{split}"])
    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"x_{split} and y_{split} must be of one length, not 0. "
            f"Received: {len(images)} images, {len(labels)} labels."
        )
    return images, labels


def _images(name: str, images: Array) -> Array:
    shape = images.shape
    if images.ndim == 3:
        images = images[..., None]
    if (
        images.dtype != "uint8"
        or images.ndim != 4
        or shape[3:] not in ((), (1,), (3,))
    ):
        raise ValueError(
            f"{name} must be uint8 images (n, height, width), (n, height, "
            "width, 1) or (n, height, width, 3) with values 0 to 255. "
            f"Received: {name} of dtype {images.dtype} and shape {shape}. "
            "Fix: scale floats by 255, move channels last."
        )
    return np.broadcast_to(images, (*images.shape[:3], 3))


def _labels(name: str, labels: Array) -> Array:
    if labels.ndim == 2 and labels.shape[1] == 1:  # As in keras.datasets.
        labels = labels[:, 0]
    if (
        labels.ndim != 1
        or labels.dtype.kind not in "iu"
        or (len(labels) and labels.min() < 0)
    ):
        raise ValueError(
            f"{name} must be class numbers from 0, of shape (n,) or (n, 1). "
            f"Received: {name} of dtype {labels.dtype} and shape "
            f"{labels.shape}. Fix: np.argmax for one-hot labels."
        )
    # Before the cast, which would make another number of a large one.
    if len(labels) and labels.max() >= _MOST_CLASSES:
        raise ValueError(
            f"{name} must be class numbers below {_MOST_CLASSES:,}. Received: "
            f"{labels.max():,}."
        )
    return labels.astype("int32")
