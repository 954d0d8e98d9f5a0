"""Writing of a Keras network in an export format, after every check."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.deploy.formats.base import (
    BATCHES,
    ExportFormat,
    quiet_libraries,
)
from keras_artkd.deploy.formats.converting import write_elsewhere
from keras_artkd.deploy.formats.targets import check_target
from keras_artkd.deploy.lite import check_images
from keras_artkd.deploy.model_info import ModelInfo, info_of_names
from keras_artkd.files import first_line, replacing
from keras_artkd.models import upright
from keras_artkd.models.answers import softmax_sums
from keras_artkd.models.functional import as_functional
from keras_artkd.types import Array, Path


def export_model(
    file_format: ExportFormat,
    model: keras.Model,
    path: Path,
    quantize: str = "none",
    calibration_images: Array | None = None,
    class_names: Sequence[str] | None = None,
    batch: str | None = None,
    known: ModelInfo | None = None,
) -> pathlib.Path:
    """Writes a model in an export format.

    Args:
        file_format: `ExportFormat`.
        model: see `export_tflite`, as for all that follow.
        path: the file or folder to write.
        quantize: one of the quantisations that the format offers.
        calibration_images: for `int8`.
        class_names: list of str, or None.
        batch: one of `BATCHES`; the format's own by default.
        known: what the graph may use of the model's `ModelInfo`, which is
            written into the file later, when it has been measured. By default
            what follows from `class_names`.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or an argument does not fit.
        ImportError: if a library of the format is not installed.
        OSError: if the path cannot be written.
    """
    file_format.check_quantize(quantize)
    path = check_target(path, file_format)
    model = _functional(model)
    signature = _signature(model, check_batch(batch or file_format.batch))
    info = check_class_names(class_names, model)
    images = None
    if quantize == "int8":
        images = _check_calibration_images(calibration_images, signature.shape)
    if info is not None:
        info = dataclasses.replace(
            info,
            quantize=quantize,
            calibration_images=0 if images is None else len(images),
        )
    with replacing(path) as temporary, quiet_libraries():
        write = file_format.write
        if keras.backend.backend() != "tensorflow":
            write = functools.partial(write_elsewhere, file_format.name)
        write(
            to_deploy(model),
            temporary,
            signature,
            quantize,
            images,
            softmax_sums(model) is None,
            known or info,
        )
        if info is not None:
            file_format.write_info(temporary, info)
    return path


def check_class_names(
    class_names: Sequence[str] | None, model: keras.Model
) -> ModelInfo | None:
    """The information that a file carries, from its class names.

    Args:
        class_names: list of str in the order of the logits, or None.
        model: a network that can be exported.

    Returns:
        A `ModelInfo`; None without names.

    Raises:
        ValueError: if the names are no str or not one for each class, or the
            network's input is no square of colours.
    """
    if class_names is None:
        return None
    names = [class_names] if isinstance(class_names, str) else [*class_names]
    if isinstance(class_names, str) or not all(
        isinstance(name, str) for name in names
    ):
        raise ValueError(
            "`class_names` must be a list of str, in the order of the logits. "
            f"Received: class_names={class_names!r}."
        )
    classes = model.outputs[0].shape[-1]
    if len(names) != classes:
        raise ValueError(
            "`class_names` must have one name for each class of the model. "
            f"Received: {len(names)} names, {classes} classes of "
            f"{model.name!r}."
        )
    height, width, channels = model.inputs[0].shape[1:]
    if height != width or channels != 3:
        raise ValueError(
            "`class_names` are for networks that see a square of three "
            "colours, which is what `artkd predict` makes of an image. "
            f"Received: {model.name!r} with an input of {height} x {width} x "
            f"{channels}. Fix: leave them out."
        )
    # Plain strings, also where a NumPy array gave them.
    return info_of_names(list(map(str, names)), height)


def _check_calibration_images(
    images: Array | None, shape: Sequence[Any]
) -> Array:
    """Calibration images, if they are raw pixels.

    Args:
        images: `(n, height, width, channels)`.
        shape: of the network's input, batch first.
    """
    if images is None:
        raise ValueError(
            "`calibration_images` must be given for quantize='int8' (integer "
            "activations need measured ranges). Received: None. Fix: pass a "
            "hundred training images, raw pixels."
        )
    images = check_images("calibration_images", images, shape)
    if images.dtype != np.uint8 and images.max() <= 1.0:
        raise ValueError(
            "`calibration_images` must be raw pixels in [0, 255] (the model "
            f"scales inside). Received: largest value {images.max()}. Fix: "
            "multiply by 255."
        )
    return images


def _functional(model: keras.Model) -> keras.Model:
    """The graph of a model, of a subclassed one too."""
    if not getattr(model, "built", False):
        return model  # `_signature` says so.
    try:
        return as_functional(model)
    except ValueError as error:
        raise ValueError(f"{error} Of a distiller export the `student`.") from (
            error
        )


def check_batch(batch: str) -> int | None:
    """The size of a batch that an input is written with, None for any."""
    if batch not in BATCHES:
        raise ValueError(
            f"`batch` must be {' or '.join(BATCHES)}. Received: {batch!r}."
        )
    return 1 if batch == "1" else None


def _signature(model: keras.Model, batch: int | None) -> tf.TensorSpec:
    """The input to export a model with, `batch` images or any number.

    Raises:
        ValueError: if the model cannot be exported.
    """
    # An unbuilt model has none of these.
    inputs = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
    outputs = [tuple(x.shape) for x in getattr(model, "outputs", None) or []]
    if (
        [len(shape) for shape in inputs + outputs] != [4, 2]
        or len(inputs) != 1
        or None in inputs[0][1:]
    ):
        raise ValueError(
            "`model` must map one image (batch, height, width, channels) of "
            "static size to logits (batch, classes). Received: "
            f"{type(model).__name__} {model.name!r}, inputs={inputs}, "
            f"outputs={outputs}. Fix: build it with an `input_shape` without "
            "None; call a subclassed one once, model(images[:1]); of a "
            "distiller, export the `student`."
        )
    # The name is the argument's name in the file. Without it, Keras counts
    # its tensors, and the name differs from run to run.
    return tf.TensorSpec((batch, *inputs[0][1:]), tf.float32, name="image")


def to_deploy(model: keras.Model) -> keras.Model:
    """The network to write: nothing of its training, in float32.

    Heads for the training are left out, and the columns of rotated images
    (`keras_artkd.models.upright`). A model of less precision is copied: half
    precision is for the training hardware, and the file would carry casts
    that phones compute slowly and that cannot be quantised.
    """
    model = upright(model)
    if not any("float16" in x.compute_dtype for x in model._flatten_layers()):
        return model
    global_policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = type(model).from_config(_float32_config(model.get_config()))
    except (NotImplementedError, TypeError) as error:
        raise ValueError(
            "A model of half precision is exported as its copy in float32, "
            "which is made from its configuration. Received: "
            f"{model.name!r} ({first_line(error)}). Fix: `get_config`, and "
            "keras.saving.register_keras_serializable() on its class."
        ) from error
    finally:
        keras.config.set_dtype_policy(global_policy)
    copy.set_weights([np.float32(w) for w in model.get_weights()])
    return copy


def _float32_config(config: Any) -> Any:
    """A config with every (mixed_)(b)float16 policy replaced."""
    if isinstance(config, (list, tuple)):
        return type(config)(_float32_config(item) for item in config)
    if not isinstance(config, dict):
        return config
    # A policy is a name or, serialised, a dict with the name inside.
    if "float16" in str(config.get("dtype")):
        policy = "float32"
        if not isinstance(config["dtype"], str):
            policy = keras.dtype_policies.serialize(
                keras.dtype_policies.DTypePolicy("float32")
            )
        config = {**config, "dtype": policy}
    return {key: _float32_config(value) for key, value in config.items()}
