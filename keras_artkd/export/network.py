"""What every export asks of a network, and of its arguments."""

import pathlib

import keras
import numpy as np

from keras_artkd.lite import check_images
from keras_artkd.model_info import info_of_names, write_info
from keras_artkd.models import upright

QUANTIZE = ("none", "float16", "int8")


def input_spec(model):
    """The signature to export, or the reason why there is none."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Exports need Keras's TensorFlow backend. Received: "
            f"backend={keras.backend.backend()!r}. Fix: model.save() to a "
            ".keras file, load and export it with KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    # A subclassed or an unbuilt model has none of these.
    inputs = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
    outputs = [tuple(x.shape) for x in getattr(model, "outputs", None) or []]
    if (
        [len(shape) for shape in inputs + outputs] != [4, 2]
        or len(inputs) != 1
        or None in inputs[0][1:]
    ):
        raise ValueError(
            "`model` must be functional and map one image (batch, height, "
            "width, channels) of static size to logits (batch, classes). "
            f"Received: {type(model).__name__} {model.name!r}, "
            f"inputs={inputs}, outputs={outputs}. Fix: build it with an "
            "`input_shape` without None; of a distiller, export the "
            "`student`."
        )
    # The name is the argument's name in the file: without it, Keras counts
    # its tensors and the name differs from run to run.
    return tf.TensorSpec((None, *inputs[0][1:]), tf.float32, name="image")


def to_deploy(model):
    """What is written of a model: nothing of its training, in float32.

    Heads for the training are left out, and the columns of rotated images
    (`keras_artkd.models.upright`); a model of less precision is copied.
    """
    return _in_float32(upright(model))


def check_class_names(class_names, model):
    """What a file says of itself besides its network.

    Args:
        class_names: list of str in the order of the logits, or None.
        model: what `input_spec` has let pass.

    Returns:
        A `ModelInfo`; None without names.

    Raises:
        ValueError: if they are no names, not one for each class, or the
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
    # Plain strings, whatever array they came from.
    return info_of_names(map(str, names), height)


def write_names(path, info):
    """Puts what `check_class_names` has given into the file, if anything."""
    if info is not None:
        write_info(path, info)


def _in_float32(model):
    """The model, or a float32 copy of one that computes in less.

    Half precision was for the training hardware: the file would carry casts
    that phones compute slowly and that cannot be quantised.
    """
    if not any("float16" in x.compute_dtype for x in model._flatten_layers()):
        return model
    global_policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = type(model).from_config(_float32_config(model.get_config()))
    finally:
        keras.config.set_dtype_policy(global_policy)
    copy.set_weights([np.float32(w) for w in model.get_weights()])
    return copy


def _float32_config(config):
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


def check_quantize(quantize):
    """Refuses what is not one of `QUANTIZE`."""
    if quantize not in QUANTIZE:
        raise ValueError(
            f"`quantize` must be one of {', '.join(QUANTIZE)}. "
            f"Received: quantize={quantize!r}."
        )


def check_file_target(path, suffix):
    """The path of a file to write, after checking its ending."""
    path = pathlib.Path(path)
    if path.suffix != suffix or path.is_dir():
        raise ValueError(
            f"`path` must be a file ending in {suffix} (readers tell the "
            f"format by it). Received: path={path}. Fix: "
            f"{path.with_suffix(suffix)}."
        )
    return path


def check_calibration_images(images, shape):
    """Calibration images, after checking them.

    Args:
        images: what should be raw pixels, `(n, height, width, channels)`.
        shape: the network's input, batch first.

    Raises:
        ValueError: if there are none, or they are no raw pixels.
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
