"""Networks by name."""

import importlib
from typing import Any

import keras

from keras_artkd.catalogue.networks import get_network


def build(
    name: str,
    num_classes: int,
    input_shape: tuple[int, int, int] = (64, 64, 3),
    **options: Any,
) -> keras.Model:
    """Makes a network by name, by default randomly initialised.

    Args:
        name: a key of `NETWORKS`, or `"wrn_<depth>_<width>"` with any depth
            6n + 4 and any width; or `"<network>_first<k>"`, the first k
            blocks of an EfficientNet-Lite.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        **options: other arguments of the network: `weights`, which is
            `"imagenet"` or a path, for ConvNeXts, EfficientNet-Lite 0 to 2 and
            applications; `head_channels` after the first blocks of a network;
            `head` and `head_inputs` for this package's own; `stem`, of
            `"auto"`, `"small"` and `"imagenet"`, for ResNets with four groups,
            DenseNet, DIANet, SANs, MobileNetV2 and ShuffleNets.

    Returns:
        A `keras.Model` with `endpoints`, from raw pixels in [0, 255] to
        float32 logits.

    Raises:
        ValueError: for an unknown name; it lists the known ones. Also for
            options that the network does not have.
        ImportError: if the package with the weights is not installed.
        OSError: if weights cannot be read.

    Example:
    >>> build("wrn_16_1", num_classes=18).count_params() > 170_000
    True
    """
    entry = get_network(name)
    module = importlib.import_module(f"keras_artkd.models.{entry.module}")
    make = getattr(module, entry.maker)
    # A class of networks has no argument for weights that it then loses.
    weights = None
    if loads := hasattr(module, "load_pretrained"):
        weights = options.pop("weights", None)
    try:
        model: keras.Model = make(
            num_classes=num_classes,
            input_shape=tuple(input_shape),
            **{**entry.settings, **options},
        )
    except TypeError as error:
        if options.get("weights") is not None and "'weights'" in str(error):
            raise ValueError(
                f"Network {name!r} has no weights to begin with. Received: "
                f"weights={options['weights']!r}. Fix: leave them out, or take "
                "efficientnet_lite0 or applications/<Name>."
            ) from error
        raise ValueError(
            f"Network {name!r} does not take these options. "
            f"Received: {options}. ({error})"
        ) from error
    if loads and weights is not None:
        module.load_pretrained(model, weights)
    return model
