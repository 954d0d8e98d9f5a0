"""Labels that an expert gives to images, to correct and to learn from.

    labels = label_images(expert, data.unlabelled, 64, threshold=0.8)
    write_labels("pseudo_labels.csv", labels, data.class_names)
    # ... where a person corrects the file ...
    labels = read_labels("pseudo_labels.csv", labels, data.class_names)
    store = learn_from(expert, data.train, data.unlabelled, labels, 64)

`data` comes from `keras_artkd.datasets.load(..., unlabelled=0.8)`, or with
`unlabelled_dir=`; `write_labels` and `read_labels` are in
`keras_artkd.runs.label_table`. Batches of `training_dataset(store, ...)` have
targets instead of labels, which the methods `pseudo_hard`, `pseudo_soft`,
`equation`, `mixed` and `unlabelled` learn.
"""

import dataclasses
import hashlib
import json
from typing import Any

import keras
import numpy as np

from keras_artkd.data.store import NO_LABEL, ImageStore
from keras_artkd.losses.pseudo_targets import pseudo_targets
from keras_artkd.measure.metrics import softmax
from keras_artkd.runs.domain import Domain, answers
from keras_artkd.types import Array


class NothingToLearn(ValueError):
    """No image has a label that may be learned."""


@dataclasses.dataclass(frozen=True)
class PseudoLabels:
    """An expert's labels of some images, with a person's corrections.

    Attributes:
        keys: `(n,)` str: what each image is called.
        logits: float32 `(n, classes)`, the expert's.
        labels: int32 `(n,)`: the class of each image: the expert's likeliest,
            unless a person said another.
        used: bool `(n,)`: whether it is learned from.
        corrected: bool `(n,)`: whether it is a person's word: another class
            than the expert's, or the same, looked at.
        distance: float32 `(n,)`: how far each image is from the labelled
            ones, see `keras_artkd.runs.domain`; None where nobody asked.
    """

    keys: Array
    logits: Array
    labels: Array
    used: Array
    corrected: Array
    distance: Array | None = None

    def __len__(self) -> int:
        """The number of images."""
        return len(self.keys)

    @property
    def probabilities(self) -> Array:
        """The expert's, `(n, classes)`."""
        return softmax(self.logits)

    @property
    def confidence(self) -> Array:
        """The largest probability of each image, `(n,)`."""
        return self.probabilities.max(axis=1)

    @property
    def strange(self) -> Array:
        """Whether each image is left out as unlike the labelled ones."""
        if self.distance is None:
            return np.zeros(len(self), bool)
        strange: Array = ~self.used & (self.distance > 1)
        return strange

    def fingerprint(self) -> str:
        """Hex digest of what is learned from: images, classes, whose."""
        rows = zip(
            self.keys[self.used].tolist(),
            self.labels[self.used].tolist(),
            self.corrected[self.used].tolist(),
            strict=True,
        )
        return hashlib.sha256(json.dumps([*rows]).encode()).hexdigest()

    def measure(self, hidden_labels: Array | None = None) -> dict[str, Any]:
        """What there is to know of them, ready for `json.dump`.

        Args:
            hidden_labels: int `(n,)`, true labels, `NO_LABEL` where nobody
                knows; or None.

        Returns:
            dict: `images`, `used`, `strange` (see there), `corrected` (of
            those used), `confidence` (the mean of those used); `known` (of
            those used, how many have a true label) and `right` (how many of
            these are labelled so).
        """
        used = self.used
        known = right = 0
        if hidden_labels is not None:
            can_tell = used & (hidden_labels != NO_LABEL)
            known = int(can_tell.sum())
            right = int((self.labels == hidden_labels)[can_tell].sum())
        return {
            "images": len(self),
            "used": int(used.sum()),
            "strange": int(self.strange.sum()),
            "corrected": int((used & self.corrected).sum()),
            "confidence": float(self.confidence[used].mean()),
            "known": known,
            "right": right,
        }


def ask_expert(
    expert: keras.Model,
    store: ImageStore,
    image_size: int,
    domain: Domain | None = None,
) -> PseudoLabels:
    """What an expert says of images, of which all are used.

    Args:
        expert: a trained `keras.Model` from raw pixels to logits.
        store: `ImageStore`; its own labels are not looked at.
        image_size: int, side of the central crops, pixels.
        domain: the expert's `Domain`, to measure their distance from it.

    Returns:
        `PseudoLabels`.
    """
    logits, features = answers(expert, store, image_size)
    return PseudoLabels(
        keys=store.keys,
        logits=logits,
        labels=logits.argmax(axis=1).astype("int32"),
        used=np.ones(len(store), bool),
        corrected=np.zeros(len(store), bool),
        distance=None if domain is None else domain.distances(features),
    )


def label_images(
    expert: keras.Model,
    store: ImageStore,
    image_size: int,
    threshold: float = 0.0,
    domain: Domain | None = None,
) -> PseudoLabels:
    """Lets an expert label images, and uses those that it is sure of.

    Args:
        expert: see `ask_expert`, also for the arguments below.
        store: `ImageStore`.
        image_size: int.
        threshold: float in [0, 1]: images whose largest probability (at
            temperature 1) is less are not used.
        domain: `Domain`, outside of which images are not used; or None.

    Returns:
        `PseudoLabels`.

    Raises:
        NothingToLearn: if no image is used.
    """
    labels = ask_expert(expert, store, image_size, domain)
    near = labels.used
    if labels.distance is not None:
        near = labels.distance <= 1
    if not near.any():
        raise NothingToLearn(
            "Some images without labels must be like the labelled ones. "
            f"Received: {len(labels)} images, all of them farther from these "
            "than nearly all validation images. Fix: images of the same kind; "
            "or --options in_domain 1, which learns from all."
        )
    sure = labels.confidence >= threshold
    if not (near & sure).any():
        raise NothingToLearn(
            "The expert must be sure enough of some images. Received: "
            f"threshold={threshold:g}, where the highest of "
            f"{near.sum()} confidences is {labels.confidence[near].max():.4f}. "
            "Fix: a lower threshold, or an expert trained longer."
        )
    return dataclasses.replace(labels, used=near & sure)


def learn_from(
    expert: keras.Model,
    labelled: ImageStore,
    unlabelled: ImageStore | None,
    labels: PseudoLabels | None,
    image_size: int,
    kind: str = "pseudo_soft",
    **options: Any,
) -> ImageStore:
    """Makes the images to train a student on: labelled, or by an expert.

    Args:
        expert: the network that made the labels.
        labelled: `ImageStore`.
        unlabelled: `ImageStore`; None for labelled images alone.
        labels: `PseudoLabels` of `unlabelled`. Of its images those that are
            used are taken; a class that a person said counts as a label.
        image_size: int, side of the central crops that the expert sees.
        kind: see `keras_artkd.losses.pseudo_targets`.
        **options: `temperature`, `weight` or `share`, see there.

    Returns:
        `ImageStore` with targets. Its labels are the classes that its images
        are taken for.
    """
    stores, own, logits = [labelled], [labelled.labels], []
    if kind in ("equation", "mixed"):
        logits.append(answers(expert, labelled, image_size)[0])
    else:  # A label is all that counts of an image with one.
        shape = (len(labelled), expert.output_shape[-1])
        logits.append(np.zeros(shape, "float32"))
    if unlabelled is not None and labels is not None:
        used = np.flatnonzero(labels.used)
        taken = dataclasses.replace(
            unlabelled.take(used), labels=labels.labels[used]
        )
        stores.append(taken)
        # Hard labels are the table's, which another expert may have made.
        certain = labels.corrected | (kind == "pseudo_hard")
        own.append(np.where(certain, labels.labels, NO_LABEL)[used])
        logits.append(labels.logits[used])
    targets = pseudo_targets(
        np.concatenate(own), np.concatenate(logits), kind, **options
    )
    return dataclasses.replace(
        ImageStore.concatenate(stores),
        targets=keras.ops.convert_to_numpy(targets),
    )
