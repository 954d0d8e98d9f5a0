"""Pictures made square: cropped later, stretched, or padded."""

import dataclasses

from keras_artkd.data.images import FITS, fit_square
from keras_artkd.data.store import ImageStore
from keras_artkd.datasets.collection import Collection


def check_fit(fit: str, short_side: int | None, in_memory: bool) -> None:
    """Rejects a way to make pictures square that cannot be gone."""
    if fit not in FITS:
        raise ValueError(
            f"`fit` must be one of {', '.join(FITS)}. Received: fit={fit!r}."
        )
    if fit != "crop" and (short_side is None or not in_memory):
        raise ValueError(
            f"fit={fit!r} is for pictures that are resized in memory. "
            f"Received: short_side={short_side}"
            f"{'' if in_memory else ', images that stay on disk'}. "
            'Fix: fit="crop".'
        )


def fit_collection(collection: Collection, fit: str) -> Collection:
    """Makes all pictures of a collection square.

    It comes after the splits, which are by content: they are the same for
    every `fit`.

    Args:
        collection: `Collection` in memory.
        fit: one of `FITS`; `"crop"` changes nothing.
    """
    if fit == "crop":
        return collection
    train, unlabelled = collection.train, collection.unlabelled
    assert isinstance(train, ImageStore)
    return dataclasses.replace(
        collection,
        train=_fit_store(train, fit),
        validation=_fit_store(collection.validation, fit),
        test=_fit_store(collection.test, fit),
        unlabelled=unlabelled and _fit_store(unlabelled, fit),
    )


def _fit_store(store: ImageStore, fit: str) -> ImageStore:
    if not store.in_memory:
        return store  # They were made square before they were kept.
    images = (fit_square(store.image(i), fit) for i in range(len(store)))
    fitted = ImageStore.from_images(images, store.labels, store.keys)
    return dataclasses.replace(fitted, targets=store.targets)
