"""How far images are from those that an expert learned from.

An expert answers anything, a photograph of a cat, too, and may be sure of it.
Its confidence does not tell such pictures from paintings; the distance of their
features from those of the labelled images does (docs/results.md).
"""

import dataclasses

import keras
import numpy as np
from sklearn.neighbors import NearestNeighbors

from keras_artkd import models
from keras_artkd.data.pipeline import evaluation_dataset
from keras_artkd.data.store import ImageStore
from keras_artkd.models.functional import as_functional
from keras_artkd.models.resizing import resize_like
from keras_artkd.types import Array

# The nearest alone may be the one odd image of the labelled ones.
NEIGHBOURS = 5
_BATCH_SIZE = 64


@dataclasses.dataclass(frozen=True)
class Domain:
    """Where the labelled images are, by the features of an expert.

    Features are what the expert's classifier reads, at unit length. The
    distance of an image is that to the fifth nearest labelled one.

    Attributes:
        known: `(m, features)`, of the labelled images.
        limit: float, the distance of an image that is just near enough.

    Reference: Sun, Ming, Zhu, Li, "Out-of-Distribution Detection with Deep
    Nearest Neighbors", 2022, https://arxiv.org/abs/2204.06507, section 3, with
    its limit that keeps 95 % of what is known.
    """

    known: Array
    limit: float

    @classmethod
    def of(
        cls,
        expert: keras.Model,
        labelled: ImageStore,
        validation: ImageStore,
        image_size: int,
        in_domain: float,
    ) -> "Domain":
        """The domain of an expert.

        Args:
            expert: a trained network.
            labelled: `ImageStore` that it learned from.
            validation: `ImageStore`, not empty: labelled, too, and the expert
                did not learn from it.
            image_size: int, side of the central crops, pixels.
            in_domain: float in (0, 1], share of the validation images that
                are near enough.
        """
        _, known = answers(expert, labelled, image_size)
        _, held_out = answers(expert, validation, image_size)
        distances = neighbour_distances(known, held_out)
        limit = float(np.quantile(distances, in_domain, method="higher"))
        return cls(known, max(limit, float(np.finfo("float32").tiny)))

    def distances(self, features: Array) -> Array:
        """How far images are, over the limit.

        Args:
            features: `(n, features)`, of the same expert.

        Returns:
            float32 `(n,)`: above 1 is unlike the labelled images.
        """
        distances = neighbour_distances(self.known, features) / self.limit
        return distances.astype("float32")


def neighbour_distances(
    known: Array, asked: Array, neighbours: int = NEIGHBOURS
) -> Array:
    """Distances to the k-th nearest of known vectors, all at unit length.

    Args:
        known: `(m, features)`.
        asked: `(n, features)`.
        neighbours: int, k; the farthest counts where there are fewer.

    Returns:
        `(n,)`, in [0, 2].
    """
    search = NearestNeighbors(
        n_neighbors=min(neighbours, len(known)), algorithm="brute"
    ).fit(_unit(known))
    distances: Array = search.kneighbors(_unit(asked))[0][:, -1]
    return distances


def answers(
    expert: keras.Model, store: ImageStore, image_size: int
) -> tuple[Array, Array]:
    """What an expert says of the centres of images, and its features.

    Args:
        expert: a trained network.
        store: `ImageStore`, not empty.
        image_size: int, side of the crops, pixels.

    Returns:
        Logits `(n, classes)`, and `(n, features)`: what its last layer reads
        where that is a Dense one, otherwise the logits.
    """
    network = as_functional(expert)
    logits = models.get_endpoints(network)["logits"]
    layer = logits._keras_history.operation
    read = layer.input if isinstance(layer, keras.layers.Dense) else logits
    batches = evaluation_dataset(store, image_size, _BATCH_SIZE)
    batches = batches.map(lambda images, _: resize_like(images, network))
    said, features = keras.Model(
        network.inputs[0], [network.outputs[0], read]
    ).predict(batches, verbose=0)
    return said, features.reshape(len(store), -1)


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Array = vectors / np.maximum(lengths, np.finfo("float32").tiny)
    return unit
