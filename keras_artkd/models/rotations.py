"""Networks whose classes are those of the images in several rotations.

For self-supervised label augmentation (SLA): trained on images in rotation j,
by j times 90 degrees counter-clockwise as `numpy.rot90`, with labels 4c + j
for the class c, a network learns more of what it sees. Used, it is asked for
upright images' classes alone.
"""

import keras
from keras import layers, ops

from keras_artkd.models.endpoints import LOGITS, get_endpoints
from keras_artkd.models.exit_heads import ROTATIONS
from keras_artkd.models.exits import ExitModel, without_exits
from keras_artkd.models.wrapped import WrappedModel


@keras.saving.register_keras_serializable("keras_artkd")
class RotationModel(WrappedModel):
    """A network of classes and rotations, which `with_rotations` makes.

    Shares every layer with the network it is made from, and has its endpoints,
    but gives the logits of an upright image's classes.

    Args:
        model: see `with_rotations`.
        rotations: see `with_rotations`.
        name: str, by default the network's.
        trainable: bool.
    """

    def __init__(self, model, rotations=ROTATIONS, name=None, trainable=True):
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

    def get_config(self):
        """The network's own configuration and the rotations."""
        return {**super().get_config(), "rotations": self.rotations}


def with_rotations(model, rotations=ROTATIONS):
    """Makes of a network of classes and rotations one of classes.

    The result's output is `(batch, N)`: of the network's logits the columns of
    the upright image, every `rotations`-th. It shares all layers, and its
    `endpoints` are the network's: `logits` there has all columns, by which it
    is trained.

    Heads for the training go on top, `with_exits(with_rotations(model))`, and
    have the classes of `logits`.

    Args:
        model: a functional `keras.Model` with logits `(batch, N * rotations)`.
            Class c in rotation j has column `rotations * c + j`.
        rotations: int, 1 to 4, how many each class is trained in: by 0, 90,
            180 and 270 degrees.

    Returns:
        A `RotationModel`. `upright` makes a smaller network of it,
        `rotation_ensemble` one that looks at an image in all rotations.

    Raises:
        ValueError: for other rotations, logits that are no multiple of them,
            or a network that has rotations, or exits, already.

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


def upright(model):
    """What is left of a network when only upright images are asked for.

    Args:
        model: a `RotationModel`, or an `ExitModel` around one; or any other,
            which only loses its exits.

    Returns:
        Of a `RotationModel` a functional `keras.Model` of the same name and
        output, whose last `Dense` has the columns of the upright image alone,
        copied. The other layers are shared. (A network that ends in something
        else keeps all columns and leaves them out afterwards.)

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


def rotation_ensemble(model):
    """A network that looks at an image in every rotation it was trained in.

    Gives the mean over j of the logits of class c and rotation j, for the
    image in rotation j: at `rotations` times the cost, the thesis's test.

    Args:
        model: a `RotationModel` for square images, or an `ExitModel` around
            one.

    Returns:
        A `keras.Model` from raw pixels to logits `(batch, N)`, which shares
        every layer.

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


def _rotate(images, times):
    """As `rot90` over the axes 1 and 2, which JAX cannot load from a file."""
    if times % 2:
        images = ops.transpose(images, (0, 2, 1, 3))
    for axis in ((), (1,), (1, 2), (2,))[times]:
        images = ops.flip(images, axis)
    return images


def _check(model, rotations):
    if rotations not in range(1, ROTATIONS + 1):
        raise ValueError(
            "`rotations` must be 1, 2, 3 or 4: an image turned by 90 degrees "
            f"four times is upright. Received: rotations={rotations!r}."
        )
    if isinstance(model, (ExitModel, RotationModel)):
        raise ValueError(
            "Rotations are given to a network once, and before its exits. "
            f"Received: {model.name!r} of type {type(model).__name__}. Fix: "
            "with_exits(with_rotations(network))."
        )
    classes = get_endpoints(model)[LOGITS].shape[-1]
    if classes % rotations:
        raise ValueError(
            "A network with rotations must have logits for every class in "
            f"each of {rotations}. Received: {model.name!r} with {classes} "
            f"logits. Fix: build it with {rotations} * num_classes."
        )


def _check_ensemble(model):
    if not isinstance(model, RotationModel):
        raise ValueError(
            "An ensemble over rotations is made of a network that knows them. "
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
