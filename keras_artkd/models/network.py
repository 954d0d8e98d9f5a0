"""The base class of this package's own networks."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeAlias

import keras
from keras import layers

from keras_artkd.layers import AWGram
from keras_artkd.layers.defaults import Policy
from keras_artkd.models.blocks import classifier
from keras_artkd.models.endpoints import LOGITS
from keras_artkd.types import Tensor

Head: TypeAlias = str | AWGram


class ClassificationNetwork(keras.Model):
    """A network from raw pixels to float32 logits.

    A subclass makes the maps, and adds its own arguments to `get_config`.

    Args:
        inputs: the `keras.Input` of raw pixels.
        endpoints: dict of name -> KerasTensor, in order. It contains
            `"features"`, the last map after its activation. `"logits"` is
            added.
        num_classes: int >= 1.
        head: `"pool"` (global average pooling), `"awgram"`, or an `AWGram`
            layer of your own. A `Dense` follows.
        head_inputs: names of the one or two endpoints that an AWGram head
            reads.
        dtype: dtype policy, by default the global one. The logits are always
            float32.
        name: str.
        trainable: bool.
    """

    def __init__(
        self,
        inputs: Tensor,
        endpoints: Mapping[str, Tensor],
        num_classes: int,
        head: Head = "pool",
        head_inputs: Sequence[str] = ("features",),
        dtype: Policy = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if num_classes < 1:
            raise ValueError(
                "`num_classes` must be at least 1. "
                f"Received: num_classes={num_classes}."
            )
        logits = _apply_head(
            endpoints, num_classes, head, tuple(head_inputs), dtype
        )
        super().__init__(inputs=inputs, outputs=logits, name=name)
        # Not an argument of `super`: there it would not reach the layers.
        self.trainable = trainable
        # A functional model takes no policy, but `compile` reads it to decide
        # about loss scaling.
        self.dtype_policy = keras.dtype_policies.get(
            dtype or keras.config.dtype_policy()
        )
        self.num_classes = num_classes
        self.head = head
        self.head_inputs = tuple(head_inputs)
        self.endpoints = {**endpoints, LOGITS: logits}

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that all networks have."""
        head = self.head
        if not isinstance(head, str):
            head = keras.saving.serialize_keras_object(head)
        return {
            "num_classes": self.num_classes,
            "input_shape": list(self.input_shape[1:]),
            "head": head,
            "head_inputs": list(self.head_inputs),
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
    ) -> Self:
        """Rebuilds the network; weights are loaded separately."""
        config = dict(config)
        config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        if not isinstance(config["head"], str):
            config["head"] = keras.saving.deserialize_keras_object(
                config["head"], custom_objects=custom_objects
            )
        return cls(**config)


def _apply_head(
    endpoints: Mapping[str, Tensor],
    num_classes: int,
    head: Head,
    head_inputs: tuple[str, ...],
    dtype: Policy,
) -> Tensor:
    layer = _as_head(head, dtype)
    if layer is None:
        pool = layers.GlobalAveragePooling2D(dtype=dtype, name="pool")
        x = pool(endpoints["features"])
    else:
        x = layer(_head_maps(endpoints, head_inputs))
    return classifier(num_classes)(x)


def _as_head(head: Head, dtype: Policy) -> AWGram | None:
    """Returns the AWGram layer of a head, or None for pooling."""
    if head == "pool":
        return None
    if head == "awgram":
        return AWGram(dtype=dtype, name="awgram")
    if isinstance(head, AWGram):
        return head
    raise ValueError(
        "`head` must be 'pool', 'awgram' or an AWGram layer. "
        f"Received: head={head!r}."
    )


def _head_maps(
    endpoints: Mapping[str, Tensor], names: tuple[str, ...]
) -> Tensor | list[Tensor]:
    unknown = [name for name in names if name not in endpoints]
    if unknown or len(names) not in (1, 2):
        raise ValueError(
            "`head_inputs` must be one or two of "
            f"{', '.join(endpoints)}. Received: head_inputs={names}."
        )
    maps = [endpoints[name] for name in names]
    return maps[0] if len(maps) == 1 else maps
