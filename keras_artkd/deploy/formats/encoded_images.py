"""Encoded images as a network's pixels, inside a TensorFlow graph.

It repeats what `keras_artkd.data.images` does with Pillow, step by step, as far
as TensorFlow has the operations. Few pixels differ, by 1 or 2 of 255. A JPEG is
decoded by the same library at the same reduced scale.

What TensorFlow does not know: the EXIF orientation is not applied, formats
other than JPEG, PNG, GIF and BMP are not read, and a GIF has no transparency.
"""

from typing import Any, TypeAlias

import tensorflow as tf

from keras_artkd.data.resampling import resize_matrix
from keras_artkd.deploy.model_info import ModelInfo

# Of TensorFlow, which has no types: any of its tensors.
_Tensor: TypeAlias = Any

# Scales that libjpeg decodes at, as it transforms blocks of eight pixels.
_SCALES = (1, 2, 4, 8)


def read_images(encoded: _Tensor, info: ModelInfo) -> _Tensor:
    """Reads images as the network of an `info` sees them.

    Args:
        encoded: string `(n,)`, the bytes of JPEG, PNG, GIF or BMP files.
        info: `ModelInfo`.

    Returns:
        float32 `(n, image_size, image_size, 3)`, whole numbers from 0 to 255.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, if one of them is
            no image; then none is read.
    """
    shape = (info.image_size, info.image_size, 3)
    return tf.map_fn(
        lambda one: tf.ensure_shape(_read_image(one, info), shape),
        encoded,
        fn_output_signature=tf.TensorSpec(shape, tf.float32),
    )


def _read_image(encoded: _Tensor, info: ModelInfo) -> _Tensor:
    pixels = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: _decode_jpeg(encoded, info.short_side),
        lambda: _over_white(
            tf.io.decode_image(encoded, expand_animations=False)
        ),
    )
    size = tf.shape(pixels)[:2]
    pixels = _centre(pixels, tf.minimum(size, 2 * tf.reduce_min(size)))
    pixels = _resize_short_side(pixels, info.short_side)
    pixels = _fit_square(pixels, info.fit)
    pixels = _centre(pixels, tf.repeat(info.crop_size, 2))
    if info.crop_size == info.image_size:
        return pixels
    matrix = tf.constant(resize_matrix(info.crop_size, info.image_size))
    rows = _round(tf.einsum("ij,jkc->ikc", matrix, pixels))
    return _round(tf.einsum("ij,kjc->kic", matrix, rows))


def _decode_jpeg(encoded: _Tensor, short_side: int) -> _Tensor:
    """Decodes at reduced scale, as `data.images.decoded` has Pillow do."""
    height, width, _ = tf.unstack(tf.io.extract_jpeg_shape(encoded))
    most = tf.minimum(height, width) // (2 * short_side)
    return tf.switch_case(
        sum(tf.cast(most >= scale, tf.int32) for scale in _SCALES[1:]),
        [
            lambda scale=scale: tf.io.decode_jpeg(
                encoded,
                channels=3,
                ratio=scale,
                # TensorFlow's own choice is faster and rounds otherwise.
                dct_method="INTEGER_ACCURATE",
            )
            for scale in _SCALES
        ],
    )


def _over_white(pixels: _Tensor) -> _Tensor:
    """RGB of one to four channels: grey or colours, transparency or none."""
    pixels = tf.cast(tf.ensure_shape(pixels, (None, None, None)), tf.float32)
    channels = tf.shape(pixels)[2]
    colours = channels - 1 + channels % 2
    # Without transparency everything is opaque.
    alpha = tf.pad(
        pixels[..., colours:] / 255,
        [[0, 0], [0, 0], [0, channels % 2]],
        constant_values=1.0,
    )
    laid = _round(pixels[..., :colours] * alpha + 255 * (1 - alpha))
    return tf.cast(tf.repeat(laid, 3 // colours, axis=2), tf.uint8)


def _resize_short_side(pixels: _Tensor, side: int) -> _Tensor:
    size = tf.shape(pixels)[:2]
    # In float64, which is what Python rounds.
    scale = side / tf.cast(tf.reduce_min(size), tf.float64)
    new = tf.round(tf.cast(size, tf.float64) * scale)
    return _resize(pixels, tf.maximum(side, tf.cast(new, tf.int32)))


def _fit_square(pixels: _Tensor, fit: str) -> _Tensor:
    """Makes it square, as `data.images.fit_square` does."""
    if fit == "crop":
        return pixels
    size = tf.shape(pixels)[:2]
    if fit == "pad":
        free = tf.reduce_max(size) - size
        before = free // 2
        around = tf.stack([before, free - before], axis=1)
        pixels = tf.pad(pixels, tf.concat([around, [[0, 0]]], axis=0))
    return _resize(pixels, tf.repeat(tf.reduce_min(size), 2))


def _resize(pixels: _Tensor, size: _Tensor) -> _Tensor:
    """Bicubic with antialiasing, first columns, then rows, rounded as Pillow.

    Returns:
        float32, whole numbers from 0 to 255.
    """
    for step in (tf.stack([tf.shape(pixels)[0], size[1]]), size):
        # A side that keeps its length stays as it is.
        pixels = tf.image.resize(
            pixels, step, tf.image.ResizeMethod.BICUBIC, antialias=True
        )
        pixels = _round(tf.clip_by_value(pixels, 0, 255))
    return pixels


def _centre(pixels: _Tensor, size: _Tensor) -> _Tensor:
    """The central part of a size, offsets rounded down."""
    top, left = tf.unstack((tf.shape(pixels)[:2] - size) // 2)
    height, width = tf.unstack(size)
    return pixels[top : top + height, left : left + width]


def _round(values: _Tensor) -> _Tensor:
    """Rounds, halves up."""
    return tf.floor(values + 0.5)
