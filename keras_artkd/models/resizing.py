"""Images at the resolution of a network."""

import keras
from keras import ops

from keras_artkd.data.resampling import resize_matrix
from keras_artkd.types import Tensor


def resize_like(images: Tensor, model: keras.Model) -> Tensor:
    """Images at the resolution for which a functional model was built."""
    return resize_to(images, model.inputs[0].shape)


def resize_to(images: Tensor, shape: tuple[int | None, ...]) -> Tensor:
    """Images at the resolution of a network's input, `shape`, batch first."""
    size = tuple(shape[1:3])
    # A recorded teacher gets its logits.
    if len(shape) == 2 or None in size or tuple(images.shape[1:3]) == size:
        return images
    images = ops.cast(images, "float32")
    height, width = images.shape[1:3]
    if None in (height, width):
        return ops.image.resize(
            images, size, interpolation="bilinear", antialias=True
        )
    # Products of matrices, which every compiler has, unlike Keras's resize
    # with antialiasing.
    images = ops.einsum("hH,bHWc->bhWc", resize_matrix(height, size[0]), images)
    return ops.einsum("wW,bhWc->bhwc", resize_matrix(width, size[1]), images)
