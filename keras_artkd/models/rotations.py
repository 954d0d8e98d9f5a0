"""Networks whose classes are combined with the rotations of the images.

They are for self-supervised label augmentation (SLA). Rotation j turns an
image by j times 90 degrees counter-clockwise, as `numpy.rot90`. Class c in
rotation j has the label 4c + j. A network trained on these labels learns more
about the images. After training it predicts the classes of upright images
only.
"""

from typing import Any

import keras
from keras import layers, ops

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.models.endpoints import LOGITS, get_endpoints
from keras_artkd.models.exits import ExitModel, without_exits
from keras_artkd.models.wrapped import WrappedModel
from keras_artkd.types import Tensor


@keras.saving.register_keras_serializable("keras_artkd")
class RotationModel(WrappedModel):
    """A network of classes and rotations, made by `with_rotations`.

    It shares all layers and endpoints with the network it is made from. Its
    output is the logits of the classes of an upright image.

    Args:
        model: see `with_rotations`.
        rotations: see `with_rotations`.
        name: str, by default the network's.
        trainable: bool.
    """

    def __init__(
        self,
        model: keras.Model,
        rotations: int = ROTATIONS,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        _check(model, rotations)
        endpoints = dict(getattr(model, "endpoints", get_endpoints(model)))
        super().__init__(
            model,
            outputs=endpoints[LOGITS][:, ::rotations],
            name=name,
            trainable=trainable,
        )
        self.rotations = rotations
        self.inner_endpoints = getattr(model, "inner_endpoints", {})
        self.endpoints = endpoints

    def get_config(self) -> dict[str, Any]:
        """Returns the network's configuration and the rotations."""
        return {**super().get_config(), "rotations": self.rotations}


def with_rotations(
    model: keras.Model, rotations: int = ROTATIONS
) -> RotationModel:
    """Turns a network of classes and rotations into a network of classes.

    The result's output is `(batch, N)`: the columns of the upright image, every
    `rotations`-th column of the network's logits. It shares all layers, and its
    `endpoints` are the network's. There, `logits` has all columns; the training
    uses them.

    Heads for the training come afterwards, `with_exits(with_rotations(model))`,
    and have the classes of `logits`.

    Args:
        model: a functional `keras.Model` with logits `(batch, N * rotations)`.
            Class c in rotation j has column `rotations * c + j`.
        rotations: int, 1 to 4, the number of rotations of each class in
            training: by 0, 90, 180 and 270 degrees.

    Returns:
        A `RotationModel`. `upright` makes a smaller network of it,
        `rotation_ensemble` a network that sees an image in all rotations.

    Raises:
        ValueError: for other rotations, logits that are no multiple of them,
            or a network that already has rotations or exits.

    Example:
    >>> from keras_artkd.models import build
    >>> model = with_rotations(build("resnet8", 4 * 10, (32, 32, 3)))
    >>> tuple(model.output.shape), tuple(model.endpoints["logits"].shape)
    ((None, 10), (None, 40))

    Reference: Lee, Hwang and Shin, "Self-supervised Label Augmentation via
    Input Transformations", 2020, https://arxiv.org/abs/1910.05872, whose
    single inference (SLA+SI) the output is; thesis 002, section 3.4.2.
    """
    return RotationModel(model, rotations)


def upright(model: keras.Model) -> keras.Model:
    """Removes the parts of a network that upright images do not need.

    Args:
        model: a `RotationModel`, or an `ExitModel` around one. Any other model
            loses only its exits.

    Returns:
        For a `RotationModel`, a functional `keras.Model` of the same name and
        output. Its last `Dense` has copies of the columns of the upright image
        only. The other layers are shared. (A network that does not end in a
        `Dense` keeps all columns and drops them afterwards.)

    Example:
    >>> from keras_artkd.models import build
    >>> model = with_rotations(build("resnet8", 4 * 10, (32, 32, 3)))
    >>> model.count_params() - upright(model).count_params()
    1950
    """
    model = without_exits(model)
    if not isinstance(model, RotationModel):
        return model
    last = model.endpoints[LOGITS]._keras_history.operation
    logits = model.outputs[0]
    if isinstance(last, layers.Dense):
        dense = type(last).from_config(
            {**last.get_config(), "units": logits.shape[-1]}
        )
        logits = dense(last.input)
        dense.set_weights(
            [w[..., :: model.rotations] for w in last.get_weights()]
        )
    smaller = keras.Model(model.inputs[0], logits, name=model.name)
    smaller.dtype_policy = model.dtype_policy
    return smaller


def rotation_ensemble(model: keras.Model) -> keras.Model:
    """Makes a network that sees an image in every rotation of the training.

    It computes the mean over j of the logits of class c and rotation j, for the
    image in rotation j. This is the thesis's test; it costs `rotations` times
    as much.

    Args:
        model: a `RotationModel` for square images, or an `ExitModel` around
            one.

    Returns:
        A `keras.Model` from raw pixels to logits `(batch, N)`. All layers are
        shared.

    Raises:
        ValueError: for another network, or images that are not square.

    Reference: the aggregated inference (SLA+AG) of Lee, Hwang and Shin, 2020,
    https://arxiv.org/abs/1910.05872; thesis 002, section 3.4.2.
    """
    model = without_exits(model)
    _check_ensemble(model)
    rotations = model.rotations
    joint = keras.Model(model.inputs[0], model.endpoints[LOGITS])
    images = keras.Input(model.input_shape[1:], name="pixels")
    logits = [
        joint(_rotate(images, j))[:, j::rotations] for j in range(rotations)
    ]
    ensemble = keras.Model(
        images, ops.mean(ops.stack(logits), axis=0), name=model.name
    )
    ensemble.dtype_policy = model.dtype_policy
    return ensemble


def _rotate(images: Tensor, times: int) -> Tensor:
    """Turns images as `rot90`, which JAX cannot load from a file."""
    if times % 2:
        images = ops.transpose(images, (0, 2, 1, 3))
    for axis in ((), (1,), (1, 2), (2,))[times]:
        images = ops.flip(images, axis)
    return images


def _check(model: keras.Model, rotations: int) -> None:
    if rotations not in range(1, ROTATIONS + 1):
        raise ValueError(
            "`rotations` must be 1, 2, 3 or 4: four turns by 90 degrees make "
            f"an image upright again. Received: rotations={rotations!r}."
        )
    if isinstance(model, (ExitModel, RotationModel)):
        raise ValueError(
            "A network can have rotations only once, added before its exits. "
            f"Received: {model.name!r} of type {type(model).__name__}. Fix: "
            "with_exits(with_rotations(network))."
        )
    classes = get_endpoints(model)[LOGITS].shape[-1]
    if classes % rotations:
        raise ValueError(
            "A network with rotations must have logits for every class in "
            f"each of {rotations} rotations. Received: {model.name!r} with "
            f"{classes} logits. Fix: build it with {rotations} * num_classes."
        )


def _check_ensemble(model: keras.Model) -> None:
    if not isinstance(model, RotationModel):
        raise ValueError(
            "An ensemble over rotations needs a network with rotations. "
            f"Received: {model.name!r} of type {type(model).__name__}. Fix: "
            "keras_artkd.models.with_rotations(model), and train it."
        )
    height, width = model.input_shape[1:3]
    if height != width and model.rotations > 1:
        raise ValueError(
            "Images in several rotations must be square, to keep their shape. "
            f"Received: {height} x {width} pixels, the input of "
            f"{model.name!r}. Fix: build it for square images."
        )
