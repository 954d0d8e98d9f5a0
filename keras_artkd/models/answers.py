"""Whether a network answers logits or probabilities."""

import keras
import numpy as np

from keras_artkd.types import Array

# Of noise for a network that takes images of any size.
_SIDE = 64


def softmax_sums(model: keras.Model) -> Array | None:
    """What a network's answers sum to, if they are probabilities.

    A softmax may be an operation, or within a model inside. So its answers to
    two images of noise tell.

    Args:
        model: a functional Keras model, one image in, `(batch, classes)` out.

    Returns:
        float64 `(2,)`; None where the answers are logits.
    """
    last = model.outputs[0]._keras_history.operation
    if isinstance(last, keras.layers.Dense) and (
        last.activation is keras.activations.linear
    ):
        return None
    shape = [side or _SIDE for side in model.inputs[0].shape[1:]]
    noise = np.random.default_rng(0).uniform(0, 255, (2, *shape))
    answers = keras.ops.convert_to_numpy(
        model(noise.astype("float32"), training=False)
    ).astype("float64")
    sums: Array = answers.sum(axis=-1)
    if (answers >= 0).all() and np.allclose(sums, 1.0, atol=1e-2):
        return sums
    return None
