"""Views of images that a teacher has answered before the training."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_artkd.data.augment import centre_windows, random_windows
from keras_artkd.data.crops import Crops, edge_padding, what_to_learn
from keras_artkd.data.prefetching import prefetched
from keras_artkd.data.store import ImageStore
from keras_artkd.data.stream import ImageStream
from keras_artkd.types import Array, Tensor


@dataclasses.dataclass(frozen=True)
class RecordedViews:
    """Some views of every image of a store, and what teachers say of them.

    Attributes:
        corners: int32 `(images, views, 2)`, top and left, pixels.
        mirrored: bool `(images, views)`.
        answers: dict of role -> float32 `(images, views, classes)`, logits.
    """

    corners: Array
    mirrored: Array
    answers: dict[str, Array] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls,
        store: ImageStore,
        side: int,
        count: int,
        seed: int,
        crop_and_mirror: bool = True,
    ) -> "RecordedViews":
        """Draws views without answers, as a training draws its own.

        Args:
            store: `ImageStore`, not empty.
            side: int, of the square crops, pixels.
            count: int, views of each image.
            seed: int.
            crop_and_mirror: bool; if False the one view is the centre.
        """
        sizes = tf.constant(store.sizes)
        if not crop_and_mirror:
            drawn = [centre_windows(sizes, side)]
        else:
            padding = edge_padding(store, side)
            drawn = [
                random_windows(sizes, side, padding, tf.constant([seed, view]))
                for view in range(count)
            ]
        corners, mirrored = zip(*drawn, strict=True)
        return cls(np.stack(corners, axis=1), np.stack(mirrored, axis=1))

    @property
    def count(self) -> int:
        """Views of each image."""
        return int(self.mirrored.shape[1])

    def images(
        self, store: ImageStore, side: int, batch_size: int
    ) -> tf.data.Dataset:
        """Every view, those of one image together: float32 batches."""
        crops = Crops(store, side, edge_padding(store, side), store.labels)
        corners, mirrored = self._tensors()

        def batch(rows: Tensor) -> Tensor:
            places = tf.stack([rows // self.count, rows % self.count], axis=1)
            return crops(
                places[:, 0],
                tf.gather_nd(corners, places),
                tf.gather_nd(mirrored, places),
            )[0]

        return prefetched(
            tf.data.Dataset.range(len(store) * self.count)
            .batch(batch_size)
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE)
        )

    def draw(
        self,
        store: ImageStore | ImageStream,
        side: int,
        steps: tf.data.Dataset,
        take: Callable[[Tensor], Tensor] = tf.identity,
    ) -> tf.data.Dataset:
        """Batches of one view of each image, with the answers to it.

        Args:
            store: the `ImageStore` whose views these are.
            side: int, of the crops, pixels.
            steps: `tf.data.Dataset` with an element for each batch: positions
                in the store `(batch,)`, and a seed `(2,)`.
            take: function that takes the rows to give of a whole batch.

        Returns:
            `tf.data.Dataset` of `(inputs, labels)`: a dict of `"images"`
            float32 `(batch, side, side, 3)` and, by role, logits.
        """
        assert isinstance(store, ImageStore)
        padding = edge_padding(store, side)
        crops = Crops(store, side, padding, what_to_learn(store))
        corners, mirrored = self._tensors()
        with tf.device("CPU:0"):  # Captured by reference, as in `Crops`.
            answers = {k: tf.constant(v) for k, v in self.answers.items()}

        def batch(indices: Tensor, seed: Tensor) -> Any:
            view = tf.random.stateless_uniform(
                tf.shape(indices), seed, 0, self.count, indices.dtype
            )
            indices, view = take(indices), take(view)
            places = tf.stack([indices, view], axis=1)
            images, labels = crops(
                indices,
                tf.gather_nd(corners, places),
                tf.gather_nd(mirrored, places),
            )
            said = {k: tf.gather_nd(v, places) for k, v in answers.items()}
            return {"images": images, **said}, labels

        return steps.map(
            batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def _tensors(self) -> tuple[Tensor, Tensor]:
        with tf.device("CPU:0"):
            return tf.constant(self.corners), tf.constant(self.mirrored)
