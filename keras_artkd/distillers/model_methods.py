"""Methods of `keras.Model` that a distiller has in its own way."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import keras

from keras_artkd.distillers.schedules import Weight
from keras_artkd.losses.base import TransferLoss
from keras_artkd.models import without_exits

if TYPE_CHECKING or keras.backend.backend() == "tensorflow":
    from keras_artkd.distillers.tensorflow_step import TrainStep
elif keras.backend.backend() == "jax":
    from keras_artkd.distillers.jax_step import TrainStep
elif keras.backend.backend() == "torch":
    raise ImportError(
        "keras_artkd trains with TensorFlow or JAX. Received: Keras with "
        "torch. Fix: KERAS_BACKEND=tensorflow or jax."
    )
else:
    # Of a backend that trains nothing, and reads what was trained.
    from keras_artkd.distillers.training_model import TrainingModel

    TrainStep = TrainingModel


class ModelMethods(TrainStep):
    """Saving and loading whole; what concerns one network, of the student.

    A subclass, the `Distiller`, has these attributes.
    """

    student: keras.Model
    teachers: Mapping[str, keras.Model]
    co_trained: Mapping[str, keras.Model]
    transfer_losses: Sequence[TransferLoss]
    transfer_weights: Sequence[Weight]
    supervised_weight: Weight
    views: int
    labelled_views: int
    soft_labels: bool

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as saved; Keras does it for its own `compile` only."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def export(self, *args: Any, **kwargs: Any) -> Any:
        """Exports the student, without heads for its training.

        Takes the arguments of `keras.Model.export`. `artkd export` and
        `keras_artkd.deploy` write files that know their classes.
        """
        return without_exits(self.student).export(*args, **kwargs)

    def quantize(self, *args: Any, **kwargs: Any) -> Any:
        """Refuses: that would change the student under its distiller."""
        raise ValueError(
            "A distiller trains, and its networks stay as they are. Received: "
            "distiller.quantize(...). Fix: distiller.student.quantize(...) "
            "after the training, or an int8 file (`artkd export --quantize "
            "int8`)."
        )

    def get_layer(
        self, name: str | None = None, index: int | None = None
    ) -> keras.layers.Layer:
        """A layer of the student, or a network by its own name."""
        for network in (*self.teachers.values(), *self.co_trained.values()):
            if name == network.name:
                return network
        if name == self.student.name:
            return self.student
        return self.student.get_layer(name, index)

    def summary(self, *args: Any, **kwargs: Any) -> None:
        """Prints the summary of each network, the student's first."""
        for network in (
            self.student,
            *self.teachers.values(),
            *self.co_trained.values(),
        ):
            network.summary(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument; networks and losses serialised."""
        return keras.saving.serialize_keras_object(
            {
                "name": self.name,
                "student": self.student,
                "teachers": dict(self.teachers),
                "co_trained": dict(self.co_trained),
                "transfer_losses": list(self.transfer_losses),
                "transfer_weights": list(self.transfer_weights),
                "supervised_weight": self.supervised_weight,
                "views": self.views,
                "labelled_views": self.labelled_views,
                "soft_labels": self.soft_labels,
            }
        )

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
    ) -> Self:
        """Rebuilds networks and losses, then the distiller."""
        return cls(
            **{
                key: keras.saving.deserialize_keras_object(
                    value, custom_objects=custom_objects
                )
                for key, value in config.items()
            }
        )
