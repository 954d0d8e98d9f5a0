"""SavedModel: for servers, and for TensorFlow itself."""

import pathlib

from keras_artkd.export.network import (
    check_class_names,
    input_spec,
    to_deploy,
    write_names,
)
from keras_artkd.files import replacing
from keras_artkd.runtimes import quiet_tensorflow


def export_saved_model(model, path, class_names=None):
    """Writes an inference SavedModel.

    The signature `serving_default` (and the method `serve`) takes raw pixels,
    float32 in [0, 255], `(batch, height, width, channels)` of any batch
    size, and returns float32 logits, also for a model trained in mixed
    precision.

    Args:
        model: a functional Keras model, one image in, logits out; one with
            heads for its training (`with_exits`) is written without them.
        path: the folder to write; a SavedModel already there is replaced.
        class_names: list of str in the order of the logits, or None. They
            are put into the file with the preprocessing that `artkd predict`
            gives an image: its shorter side is resized to 9/8 of the
            network's input, then the central square is cut out.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or the names do not fit.
        OSError: if the path cannot be written.
    """
    path = check_folder_target(path)
    spec = input_spec(model)
    info = check_class_names(class_names, model)
    with replacing(path) as temporary, quiet_tensorflow():
        to_deploy(model).export(
            str(temporary),
            format="tf_saved_model",
            input_signature=[spec],
            verbose=False,
        )
        write_names(temporary, info)
    return path


def check_folder_target(path):
    """The path of a SavedModel to write, after checking what is there."""
    path = pathlib.Path(path)
    if path.exists() and not _is_replaceable_folder(path):
        raise ValueError(
            "`path` must be new, empty or a SavedModel (anything else there "
            f"would be lost). Received: path={path}. Fix: choose another "
            "folder."
        )
    return path


def _is_replaceable_folder(path):
    return path.is_dir() and (
        (path / "saved_model.pb").exists() or not any(path.iterdir())
    )
