"""Networks of `keras.applications` and other Keras backbones, with endpoints.

Endpoints are found by stride, raw pixels go in, and the classifier is ours.
"""

import inspect
import pathlib
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_artkd.layers.batch_normalization import BatchNormalization
from keras_artkd.models.blocks import classifier
from keras_artkd.models.endpoints import EndpointModel, with_endpoints
from keras_artkd.models.inheritance import inherit
from keras_artkd.models.keras_file import load_network
from keras_artkd.types import Array, Path, Tensor

# Beginnings of layers' names that say which block a layer is in.
_BLOCK = re.compile(
    r"(.*sta(?:ge|ck)_?\d+_block_?\d+|conv\d+_block\d+|block_?\d+[a-z]?"
    r"|expanded_conv(?:_\d+)?|conv_(?:dw|pw)_\d+)(?:_|$)"
)
# Layers and operations that may end a block without its name.
_ENDS = ("ReLU", "Activation", "Add")
SHORT_HEAD_CHANNELS = 512


def application(
    application: str,
    num_classes: int,
    input_shape: tuple[int, int, int],
    weights: Path | None = None,
    num_blocks: int | None = None,
    head_channels: int | None = None,
) -> EndpointModel:
    """Makes a network of keras.applications with a classifier of our own.

    Args:
        application: str, its name in `keras.applications`.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        weights: None for random weights; `"imagenet"`, which Keras downloads
            or finds in `~/.keras/models`; or path of a file: `.weights.h5`
            without the classifier, or `.keras`, whose layers are inherited.
        num_blocks: int, how many of its blocks there are, followed by a 1x1
            convolution; None for all. Blocks are told by the names of layers.
        head_channels: int, channels of that convolution; 512 by default.

    Returns:
        A network with the endpoints `group1` ... `group3` (the last map at
        each of the three highest strides), `features` and `logits`, from raw
        pixels in [0, 255]; the network's own preprocessing is inside.

    Raises:
        ValueError: for arguments that this network does not take.
        OSError: if weights cannot be read or downloaded.
    """
    make = getattr(keras.applications, application)
    inputs = keras.Input(input_shape, name="pixels")
    options: dict[str, Any] = {"include_top": False, "weights": None}
    if weights == "imagenet":
        options["weights"] = weights
    try:
        # Keras warns of sizes that its weights were not trained at.
        with warnings.catch_warnings(category=UserWarning, action="ignore"):
            backbone = make(input_tensor=_preprocess(make, inputs), **options)
    except Exception as error:  # Keras raises plain ones for downloads.
        if weights != "imagenet" or "URL fetch" not in str(error):
            raise
        raise OSError(_not_downloaded(application, error)) from error
    if weights not in (None, "imagenet"):
        _load(backbone, pathlib.Path(weights))
    return with_classifier(
        backbone, num_classes, num_blocks, head_channels, application.lower()
    )


def with_classifier(
    backbone: keras.Model,
    num_classes: int,
    num_blocks: int | None = None,
    head_channels: int | None = None,
    name: str | None = None,
) -> EndpointModel:
    """Adds a classifier and endpoints to a backbone.

    Args:
        backbone: functional `keras.Model` from images of static size to maps.
        num_classes: int >= 1.
        num_blocks: see `application`.
        head_channels: see `application`.
        name: str, by default the backbone's.

    Returns:
        A network with endpoints, see `application`.

    Raises:
        ValueError: if the backbone has fewer blocks.
    """
    features = backbone.outputs[0]
    if num_blocks is not None:
        features = _first_blocks(backbone, num_blocks)
    groups = _maps_by_stride(backbone.inputs[0], features)
    if num_blocks is not None:
        x = layers.Conv2D(
            head_channels or SHORT_HEAD_CHANNELS,
            1,
            use_bias=False,
            name="neck_conv",
        )(features)
        # Keras's 0.99 wants more steps than a small data set gives.
        x = BatchNormalization(momentum=0.9, name="neck_bn")(x)
        features = layers.ReLU(6.0, name="neck_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(features)
    model = keras.Model(
        backbone.inputs[0],
        classifier(num_classes)(x),
        name=name or backbone.name,
    )
    maps = {**groups, "features": features}
    return with_endpoints(
        model, {k: x._keras_history.operation.name for k, x in maps.items()}
    )


def _preprocess(make: Any, pixels: Tensor) -> Tensor:
    """Applies a network's own preprocessing, where it has none inside.

    All of Keras's are affine: their matrix is read from what they make of
    black and of each full colour.
    """
    if "include_preprocessing" in inspect.signature(make).parameters:
        return pixels
    preprocess = sys.modules[make.__module__].preprocess_input
    probe = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)])
    answer: Array = np.array(
        preprocess(
            probe.reshape(4, 1, 1, 3).astype("float32"),
            data_format="channels_last",
        )
    ).reshape(4, 3)
    offset, matrix = answer[0], (answer[1:] - answer[0]) / 255
    if np.allclose(matrix, np.eye(3)) and not offset.any():
        return pixels
    if not np.allclose(matrix, np.diag(np.diag(matrix))):
        # Caffe's order: blue, green, red.
        pixels, matrix = ops.flip(pixels, axis=-1), matrix[::-1]
    return layers.Rescaling(
        np.diag(matrix).tolist(),
        offset.tolist(),
        dtype="float32",
        name="preprocessing",
    )(pixels)


def _maps_by_stride(inputs: Tensor, outputs: Tensor) -> dict[str, Tensor]:
    """The last map at each of the three highest strides."""
    last: dict[int, Tensor] = {}
    for operation in keras.Model(inputs, outputs).operations:
        # A padded map has a side of its own.
        if isinstance(operation, layers.ZeroPadding2D | layers.InputLayer):
            continue
        x = operation.output
        if not isinstance(x, list) and len(x.shape) == 4 and x.shape[1] > 1:
            last[x.shape[1]] = x
    sides = sorted(last, reverse=True)[-3:]
    return {f"group{i}": last[side] for i, side in enumerate(sides, start=1)}


def _first_blocks(backbone: keras.Model, num_blocks: int) -> Tensor:
    """Output of a backbone's k-th block."""
    ends: dict[str, Tensor] = {}
    for operation in backbone.operations:
        if match := _BLOCK.match(operation.name):
            ends[match[1].replace("conv_dw", "conv_pw")] = operation.output
        elif ends and type(operation).__name__ in _ENDS:
            # What follows a block's last named layer.
            block = next(reversed(ends))
            read = operation.input
            if any(x is ends[block] for x in keras.tree.flatten(read)):
                ends[block] = operation.output
    if not 1 <= num_blocks <= len(ends):
        raise ValueError(
            f"`num_blocks` must be 1 to {len(ends)}, the blocks that the names "
            f"of {backbone.name}'s layers tell. Received: "
            f"num_blocks={num_blocks}."
        )
    return list(ends.values())[num_blocks - 1]


def _load(backbone: keras.Model, path: pathlib.Path) -> None:
    if path.suffix == ".keras":
        inherit(backbone, load_network(path))
        return
    try:
        backbone.load_weights(path)
    except ValueError as error:
        raise ValueError(
            f"The weights must be of {backbone.name} without its classifier. "
            f"Received: {path} ({str(error).splitlines()[0]})."
        ) from error


def _not_downloaded(application: str, error: Exception) -> str:
    reason = str(error).splitlines()[0]
    return (
        f"ImageNet's weights of {application} could not be downloaded "
        f"({reason}). Fix: put the file into ~/.keras/models, or give the path "
        "of a .weights.h5 without the classifier, or of a .keras file."
    )


def backbone_file(
    path: Path,
    num_classes: int,
    input_shape: Sequence[int],
    num_blocks: int | None = None,
    head_channels: int | None = None,
) -> EndpointModel:
    """Makes a network of any backbone in a `.keras` file.

    Args:
        path: of a functional `keras.Model` that takes raw pixels in [0, 255].
            What follows its last map, a classifier, is left out.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels; may differ from the file's.
        num_blocks: see `application`.
        head_channels: see `application`.

    Returns:
        A network with endpoints, see `application`.

    Raises:
        ValueError: if the file cannot be read, or holds no functional model
            with maps.
    """
    saved = load_network(path)
    maps = [
        operation.output
        for operation in getattr(saved, "operations", ())
        if not isinstance(operation.output, list)
        and len(operation.output.shape) == 4
    ]
    if not maps:
        raise ValueError(
            "A backbone must be a functional keras.Model with maps. "
            f"Received: {path}, a {type(saved).__name__}."
        )
    backbone = keras.Model(saved.inputs[0], maps[-1], name=saved.name)
    if tuple(backbone.input_shape[1:]) != tuple(input_shape):
        inputs = keras.Input(tuple(input_shape), name="pixels")
        resized = keras.models.clone_model(backbone, input_tensors=inputs)
        resized.set_weights(backbone.get_weights())
        backbone = resized
    return with_classifier(backbone, num_classes, num_blocks, head_channels)
