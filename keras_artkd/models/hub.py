"""Backbones of KerasHub, with endpoints."""

import importlib
from typing import Any

import keras
from keras import layers

from keras_artkd.models.applications import with_classifier
from keras_artkd.models.endpoints import EndpointModel


def hub_backbone(
    preset: str,
    num_classes: int,
    input_shape: tuple[int, int, int],
    weights: str | None = None,
    num_blocks: int | None = None,
    head_channels: int | None = None,
) -> EndpointModel:
    """Makes a network of a preset of KerasHub with a classifier of our own.

    Args:
        preset: str, as `keras_hub.models.Backbone.from_preset` takes it: a
            name such as `resnet_18_imagenet`, `hf://<user>/<model>`,
            `kaggle://...`, or the path of a folder. Its backbone must end in a
            map.
        num_classes: int >= 1.
        input_shape: `(height, width, 3)`, pixels.
        weights: None for random weights, `"imagenet"` for those of the preset.
        num_blocks: see `keras_artkd.models.applications.application`.
        head_channels: the same.

    Returns:
        A network with endpoints, from raw pixels in [0, 255]; the preset's own
        scaling is inside.

    Raises:
        ImportError: if KerasHub is not installed.
        ValueError: for a backbone without maps, or other weights.
        OSError: if the preset cannot be found or downloaded.
    """
    if weights not in (None, "imagenet"):
        raise ValueError(
            "A preset of KerasHub begins with its own weights or random ones. "
            f"Received: weights={weights!r}, preset={preset!r}."
        )
    hub = _import()
    try:
        loaded = hub.models.Backbone.from_preset(
            preset, load_weights=weights is not None, image_shape=input_shape
        )
        scale, offset = _scaling(hub, preset)
    except Exception as error:  # Of KerasHub and of each place it asks.
        reason = (str(error) or repr(error)).splitlines()[0][:200]
        raise OSError(
            f"KerasHub could not load the preset {preset} ({reason}). Fix: "
            "where nothing can be downloaded, hub/FOLDER, the path of a "
            "preset's folder."
        ) from error
    (features, *others) = keras.tree.flatten(loaded.output)
    if others or len(features.shape) != 4:
        raise ValueError(
            "A backbone must end in one map. Received: preset "
            f"{preset}, a {type(loaded).__name__} of output shape "
            f"{keras.tree.map_structure(lambda x: x.shape, loaded.output)}."
        )
    name = preset.rstrip("/").rpartition("/")[2].replace(".", "_")
    backbone = keras.Model(loaded.inputs[0], features, name=name)
    if scale is not None or offset is not None:
        backbone = _with_scaling(backbone, scale, offset, input_shape)
    return with_classifier(backbone, num_classes, num_blocks, head_channels)


def _scaling(hub: Any, preset: str) -> tuple[Any, Any]:
    """Scale and offset of a preset's images; None where there is none."""
    try:
        converter = hub.layers.ImageConverter.from_preset(preset)
    except FileNotFoundError:  # The preset has no converter.
        return None, None
    except ValueError as error:
        if "Unable to find a subclass" not in str(error):
            raise
        return None, None
    return converter.scale, converter.offset


def _with_scaling(
    backbone: keras.Model,
    scale: Any,
    offset: Any,
    input_shape: tuple[int, int, int],
) -> keras.Model:
    """The backbone for raw pixels, scaled as its preset says."""
    pixels = keras.Input(input_shape, name="pixels")
    scaled = layers.Rescaling(
        _as_list(scale, 1.0),
        _as_list(offset, 0.0),
        dtype="float32",
        name="preprocessing",
    )(pixels)

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        return layer(
            *(scaled if x is pixels else x for x in arguments), **options
        )

    clone = keras.models.clone_model(
        backbone, input_tensors=pixels, call_function=call
    )
    clone.set_weights(backbone.get_weights())
    return clone


def _as_list(values: Any, default: float) -> Any:
    """A number, or a list of one for each channel."""
    if values is None:
        return default
    return values if isinstance(values, int | float) else list(values)


def _import() -> Any:
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        raise ImportError(
            "Presets of KerasHub need keras-hub, which is not installed "
            f"({error}). Fix: pip install 'keras_artkd[hub]'."
        ) from error
