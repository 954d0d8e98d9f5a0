"""Arrays in one .npz file, under the names Keras users know."""

import pathlib
import zipfile
import zlib

import numpy as np

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_NAMES = ("class_names", "fine_names")


def load_npz(path):
    """Reads and checks `x_train y_train x_test y_test` of an .npz file.

    Args:
        path: the file, or a directory that holds exactly one .npz.

    Returns:
        `(class_names, (x_train, y_train), (x_test, y_test))`: uint8 images
        `(n, height, width, 3)`, grey repeated, and int32 labels `(n,)`. Names
        come from `class_names` or `fine_names`, else they are the numbers.
    """
    path = _find(pathlib.Path(path))
    try:
        if not zipfile.is_zipfile(path):  # `np.load` would try a pickle.
            raise zipfile.BadZipFile("not a zip archive, or cut short")
        with np.load(path, allow_pickle=False) as file:
            wanted = [k for k in _ARRAYS + _NAMES if k in file.files]
            missing = [k for k in _ARRAYS if k not in wanted]
            if missing:
                raise ValueError(
                    f"An .npz data set must hold {', '.join(_ARRAYS)}. "
                    f"Received: {path} without {', '.join(missing)}; it "
                    f"holds {', '.join(file.files) or 'nothing'}."
                )
            arrays = {key: file[key] for key in wanted}
    except (OSError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} must be a readable .npz file. Received: {error}."
        ) from error
    parts = [
        (
            _images(f"x_{split}", arrays[f"x_{split}"]),
            _labels(f"y_{split}", arrays[f"y_{split}"]),
        )
        for split in ("train", "test")
    ]
    for split, (images, labels) in zip(("train", "test"), parts, strict=True):
        if len(images) != len(labels) or not len(images):
            raise ValueError(
                f"x_{split} and y_{split} must be of one length, not 0. "
                f"Received: {len(images)} images, {len(labels)} labels."
            )
    num_classes = 1 + max(int(labels.max()) for _, labels in parts)
    names = next((arrays[key] for key in _NAMES if key in arrays), None)
    if names is None:
        names = np.arange(num_classes)
    elif names.ndim != 1 or len(names) < num_classes:
        raise ValueError(
            "The class names must be one per class. Received: names of shape "
            f"{names.shape}, labels up to {num_classes - 1}."
        )
    class_names = [
        n.decode() if isinstance(n, bytes) else str(n) for n in names
    ]
    return class_names, *parts


def _find(path):
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


def _images(name, images):
    shape = images.shape
    if images.ndim == 3:
        images = images[..., None]
    if (
        images.dtype != "uint8"
        or images.ndim != 4
        or shape[3:]
        not in (
            (),
            (1,),
            (3,),
        )
    ):
        raise ValueError(
            f"{name} must be uint8 images (n, height, width), (n, height, "
            "width, 1) or (n, height, width, 3) with values 0 to 255. "
            f"Received: {name} of dtype {images.dtype} and shape {shape}. "
            "Fix: scale floats by 255, move channels last."
        )
    return np.broadcast_to(images, (*images.shape[:3], 3))


def _labels(name, labels):
    if labels.ndim == 2 and labels.shape[1] == 1:  # As keras.datasets has it.
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
    return labels.astype("int32")
