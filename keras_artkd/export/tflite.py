"""LiteRT (TFLite): for phones, browsers and small devices."""

import numpy as np

from keras_artkd.export.network import (
    check_calibration_images,
    check_class_names,
    check_file_target,
    check_quantize,
    input_spec,
    to_deploy,
    write_names,
)
from keras_artkd.files import replacing
from keras_artkd.runtimes import quiet_tensorflow


def export_tflite(
    model, path, quantize="none", calibration_images=None, class_names=None
):
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
        model: a functional Keras model, one image in, logits out; one with
            heads for its training (`with_exits`) is written without them, one
            in mixed precision is converted in float32.
        path: the file to write, ending in `.tflite`; replaced if it exists.
        quantize: `"none"` (default), `"float16"` or `"int8"`.
        calibration_images: for `int8`, raw pixels in [0, 255], `(n, height,
            width, channels)`, uint8 or float: what the network will see. The
            ranges of all activations are measured on them; a hundred or two,
            taken from the training images, are enough.
        class_names: list of str in the order of the logits, or None. They
            are put into the file with the preprocessing that `artkd predict`
            gives an image: its shorter side is resized to 9/8 of the
            network's input, then the central square is cut out.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the model, the path or an argument does not fit.
        OSError: if the path cannot be written.
    """
    check_quantize(quantize)
    path = check_file_target(path, ".tflite")
    spec = input_spec(model)
    info = check_class_names(class_names, model)
    settings = _converter_settings(quantize, calibration_images, spec)
    with replacing(path) as temporary, quiet_tensorflow():
        # Keras's exporter rather than a tf.lite.TFLiteConverter of our own:
        # it is that converter, fed through a SavedModel, with its settings
        # passed on by name. Fed from a concrete function, the short way, the
        # converter leaves Keras 3 variables unfrozen and the file answers
        # NaN. Keras would admit TensorFlow operations, which a plain
        # interpreter does not have; the settings rule them out.
        to_deploy(model).export(
            str(temporary),
            format="litert",
            input_signature=[spec],
            verbose=False,
            **settings,
        )
        write_names(temporary, info)
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

    images = check_calibration_images(calibration_images, spec.shape)

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
