"""From a trained network to files that run without it, and proof they do.

`export_saved_model` writes what a server reads, `export_tflite` what a phone
or a browser reads, and `verify` compares a file's answers with the network's.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile

import keras
import numpy as np

from keras_artkd.evaluate import agreement
from keras_artkd.lite import LiteModel, check_images, quiet

QUANTIZE = ("none", "float16", "int8")


# === Writing ===


def export_saved_model(model, path):
    """Writes an inference SavedModel.

    The signature `serving_default` (and the method `serve`) takes raw pixels,
    float32 in [0, 255], `(batch, height, width, channels)` of any batch
    size, and returns float32 logits, also for a model trained in mixed
    precision.

    Args:
        model: a functional Keras model, one image in, logits out.
        path: the folder to write; a SavedModel already there is replaced.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model or the path does not fit.
        OSError: if the path cannot be written.
    """
    path = pathlib.Path(path)
    if path.exists() and not _is_replaceable_folder(path):
        raise ValueError(
            "`path` must be new, empty or a SavedModel (anything else there "
            f"would be lost). Received: path={path}. Fix: choose another "
            "folder."
        )
    spec = _input_spec(model)
    with _written_beside(path) as temporary, _quiet():
        _in_float32(model).export(
            str(temporary),
            format="tf_saved_model",
            input_signature=[spec],
            verbose=False,
        )
    return path


def export_tflite(model, path, quantize="none", calibration_images=None):
    """Writes a LiteRT (TFLite) file of built-in operations only.

    The batch size stays open: the file starts at 1 and can be resized, which
    is what `LiteModel` does. The input is called `image`.

    - `none`: float32 throughout.
    - `float16`: weights stored as float16, computed in float32. Half the
      size, the same answers to three digits.
    - `int8`: integer weights and activations (an operation without an
      integer kernel, like a square, is computed in float32 between). A
      quarter of the size. Input uint8, raw pixels as a camera gives them
      (scale exactly 1, zero point 0); output float32.

    Args:
        model: a functional Keras model, one image in, logits out. One trained
            in mixed precision is converted in float32.
        path: the file to write, ending in `.tflite`; replaced if it exists.
        quantize: `"none"` (default), `"float16"` or `"int8"`.
        calibration_images: for `int8`, raw pixels in [0, 255], `(n, height,
            width, channels)`, uint8 or float: what the network will see. The
            ranges of all activations are measured on them; a hundred or two,
            taken from the training images, are enough.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or an argument does not fit.
        OSError: if the path cannot be written.
    """
    path = pathlib.Path(path)
    if quantize not in QUANTIZE:
        raise ValueError(
            f"`quantize` must be one of {', '.join(QUANTIZE)}. "
            f"Received: quantize={quantize!r}."
        )
    if path.suffix != ".tflite" or path.is_dir():
        raise ValueError(
            "`path` must be a file ending in .tflite (readers tell the "
            f"format by it). Received: path={path}. Fix: "
            f"{path.with_suffix('.tflite')}."
        )
    spec = _input_spec(model)
    settings = _converter_settings(quantize, calibration_images, spec)
    with _written_beside(path) as temporary, _quiet():
        # Keras's exporter rather than a tf.lite.TFLiteConverter of our own:
        # it is that converter, fed through a SavedModel, with its settings
        # passed on by name. Fed from a concrete function, the short way, the
        # converter leaves Keras 3 variables unfrozen and the file answers
        # NaN. Keras would admit TensorFlow operations, which a plain
        # interpreter does not have; the settings rule them out.
        _in_float32(model).export(
            str(temporary),
            format="litert",
            input_signature=[spec],
            verbose=False,
            **settings,
        )
    return path


def _converter_settings(quantize, calibration_images, spec):
    import tensorflow as tf

    builtins = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    if quantize == "none":
        return {"target_spec": builtins}
    optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        return {
            "optimizations": optimizations,
            "target_spec": {**builtins, "supported_types": [tf.float16]},
        }

    if calibration_images is None:
        raise ValueError(
            "`calibration_images` must be given for quantize='int8' (integer "
            "activations need measured ranges). Received: None. Fix: pass a "
            "hundred training images, raw pixels."
        )
    images = check_images("calibration_images", calibration_images, spec.shape)
    if images.dtype != np.uint8 and images.max() <= 1.0:
        raise ValueError(
            "`calibration_images` must be raw pixels in [0, 255] (the model "
            f"scales inside). Received: largest value {images.max()}. Fix: "
            "multiply by 255."
        )

    def representative_dataset():
        for index, image in enumerate(images):
            image = image.astype(np.float32)
            if index == 0:
                # Two numbers pin the input's range to [0, 255], hence its
                # scale to 1 and its zero point to 0: the bytes of an image
                # are the quantised input, even where no calibration image
                # has a black and a white pixel.
                image.flat[0], image.flat[-1] = 0.0, 255.0
            yield [image[None]]

    return {
        "optimizations": optimizations,
        "representative_dataset": representative_dataset,
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        "inference_input_type": tf.uint8,
        "inference_output_type": tf.float32,
    }


def _input_spec(model):
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


def _is_replaceable_folder(path):
    return path.is_dir() and (
        (path / "saved_model.pb").exists() or not any(path.iterdir())
    )


@contextlib.contextmanager
def _written_beside(path):
    """Gives a temporary path, renamed to `path` if all goes well.

    It lies in a hidden folder beside `path`: on the same disk, so that the
    rename is atomic, and removed with all that is in it upon an error.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        workplace = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(
            error.errno,
            "The export's folder must be writable. Fix: choose another "
            f"`path`, or free or unlock this one ({error.strerror})",
            str(path),
        ) from error
    workplace = pathlib.Path(workplace)
    try:
        new, old = workplace / path.name, workplace / "old"
        yield new
        if path.is_dir():
            # A folder cannot be replaced by one rename; two, with a way back.
            os.rename(path, old)
            try:
                os.rename(new, path)
            except BaseException:
                os.rename(old, path)
                raise
        else:
            os.replace(new, path)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


# === Checking ===


def verify(path, images, keras_logits, labels=None, batch_size=64):
    """Compares a file's answers with those of the network it came from.

    Args:
        path: a SavedModel folder or a `.tflite` file.
        images: raw pixels in [0, 255], `(n, height, width, channels)`.
        keras_logits: the network's logits of them, `(n, classes)`.
        labels: true class indices, `(n,)`, if known.
        batch_size: images at once.

    Returns:
        A dict of plain Python values:
            `size_bytes`: of the file, or of all files in the folder.
            `agreement`: share of images classified as the network does.
            `accuracy`: the file's, `None` without labels.
            `max_abs_difference`: between logits, the largest.

    Raises:
        ValueError: if shapes disagree or the file answers NaN.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
        logits = _saved_model_logits(path, images, batch_size)
    else:
        files = [path]
        logits = LiteModel(path).predict(images, batch_size)
    keras_logits = np.asarray(keras_logits)
    same = agreement(keras_logits, logits)
    accuracy = None
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (len(logits),):
            raise ValueError(
                "`labels` must have one class index for each image. "
                f"Received: labels.shape={labels.shape}, "
                f"{len(logits)} images."
            )
        accuracy = float((logits.argmax(axis=1) == labels).mean())
    return {
        "size_bytes": sum(file.stat().st_size for file in files),
        "agreement": same,
        "accuracy": accuracy,
        "max_abs_difference": float(np.abs(keras_logits - logits).max()),
    }


def _saved_model_logits(path, images, batch_size):
    import tensorflow as tf

    with _quiet():
        network = tf.saved_model.load(str(path))
    signature = network.signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    images = check_images("images", images, spec.shape).astype(np.float32)
    logits = []
    for start in range(0, len(images), batch_size):
        batch = tf.constant(images[start : start + batch_size])
        (output,) = signature(**{spec.name: batch}).values()
        logits.append(output.numpy())
    return np.concatenate(logits)


@contextlib.contextmanager
def _quiet():
    """`quiet`, with TensorFlow's log messages from Python held back too."""
    from absl import logging as absl_logging

    verbosity = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    try:
        with quiet():
            yield
    finally:
        absl_logging.set_verbosity(verbosity)
