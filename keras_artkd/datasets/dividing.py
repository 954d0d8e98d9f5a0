"""From a data set's examples to its `Collection`."""

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets.collection import Collection, collect
from keras_artkd.datasets.examples import Examples, Loaded
from keras_artkd.datasets.fitting import fit_collection
from keras_artkd.datasets.folds import split_fold
from keras_artkd.datasets.records import Reader
from keras_artkd.datasets.request import LoadRequest
from keras_artkd.datasets.unlabelled import (
    hide_labels,
    join,
    leave_out_known,
    read_folder,
)


def divide(
    loaded: Loaded,
    request: LoadRequest,
    read: Reader,
    unlabelled: float,
    folds: int | None,
    fold: int | None,
) -> Collection:
    """Makes the splits of a data set, and its images without labels.

    Args:
        loaded: `Loaded`.
        request: `LoadRequest` that it answers.
        read: function that decodes a file as the data set's images are.
        unlabelled: see `keras_artkd.datasets.load`.
        folds: the same.
        fold: the same.
    """
    seed, by_artist = request.split_seed, request.by_artist
    held_out = folds is None or fold is not None
    if folds is not None:
        loaded = split_fold(loaded, by_artist, seed, folds, fold)
    hidden: list[Examples] = []
    if unlabelled:
        told, rest = hide_labels(loaded.parts["train"], unlabelled, seed)
        loaded = loaded._replace(parts={**loaded.parts, "train": told})
        hidden = [rest]
    if request.unlabelled_dir is not None:
        parts, learned = loaded.parts, loaded.parts["train"].store
        assert isinstance(learned, ImageStore)
        examples, unreadable = read_folder(
            request.unlabelled_dir,
            # Arrays may have a size of their own.
            request.short_side or int(learned.sizes.min()),
            request.limit,
            seed,
            read,
            request.images,
        )
        known = dict(parts) if held_out else {"train": parts["train"]}
        if hidden:
            known["the unlabelled share"] = hidden[0]
        examples, left_out = leave_out_known(examples, known, by_artist)
        hidden.append(examples)
        loaded = loaded._replace(skipped=loaded.skipped + unreadable + left_out)
    collection = collect(
        request.name,
        loaded,
        by_artist,
        join(hidden) if hidden else None,
        disjoint=held_out,
    )
    return fit_collection(collection, request.fit)
