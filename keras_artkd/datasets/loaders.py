"""`load`: any data set, by name, as a `Collection`."""

import functools
import inspect
import pathlib

import numpy as np
from PIL import Image

from keras_artkd.datasets.cifar import load_cifar
from keras_artkd.datasets.collection import (
    Examples,
    collect,
    limit_parts,
    refuse_artist,
    split_examples,
    split_official,
)
from keras_artkd.datasets.exclusions import exclude_records
from keras_artkd.datasets.folder import find_records
from keras_artkd.datasets.imagenet import load_imagenet
from keras_artkd.datasets.npz import load_npz
from keras_artkd.datasets.photographs import load_archive, load_downloaded
from keras_artkd.datasets.prepared import load_prepared
from keras_artkd.datasets.records import (
    content_digest,
    map_threads,
    read_records,
)
from keras_artkd.datasets.splits import stratified_limit
from keras_artkd.datasets.storage import read_as_stored
from keras_artkd.datasets.unlabelled import (
    check_share,
    hide_labels,
    join,
    leave_out_known,
    read_folder,
)
from keras_artkd.image_store import ImageStore
from keras_artkd.images import centre_crop, read_image, resize_short_side

_GROUPS = ("none", "artist")
_NEED_NO_DATA_DIR = (
    "atelier",
    "cifar10",
    "cifar100",
    "cub200",
    "imagenet",
    "stanford_dogs",
)


def load(
    name,
    data_dir=None,
    short_side=72,
    group="none",
    limit=None,
    split_seed=0,
    cache_dir=None,
    unlabelled=0.0,
    unlabelled_dir=None,
    **options,
):
    """Loads a data set by name, decoded, split and checked for leaks.

    Args:
        name: str, one of `LOADERS`.
        data_dir: where the images are: a directory of class folders
            (`folder`), an .npz file (`npz`), the contents of the archive
            (`pandora18k`, `wikiart`, `multitask_painting100k`,
            `tiny_imagenet`, `stanford40`, `mit67`), a TFDS directory
            (`cub200`, `stanford_dogs`), a TFDS directory or an .npz file
            (`cifar10`, `cifar100`), a TFDS directory or the folder of the
            archives (`imagenet`). Of these five `None` is TFDS's own
            directory, into which all but ImageNet are downloaded where they
            are not there yet. `atelier` paints its own and needs none.
        short_side: int, pixels: every image's shorter side. `None` keeps the
            stored sizes.
        group: `"none"`, or `"artist"` for splits that share no artist.
        limit: int, at most that many images in all, shares of classes kept.
            `None` takes all.
        split_seed: int, of the random split.
        cache_dir: where archives are kept prepared, but those that TFDS
            downloads, which are in `data_dir`. Defaults to `keras_artkd` in
            TFDS's own directory. An `imagenet` found prepared has its index
            there, or beside it.
        unlabelled: float in [0, 1), share of the training split to do
            without labels: chosen by `split_seed`, stratified, at least one
            image of each class left with its label.
        unlabelled_dir: a folder of images without labels, at any depth, to
            learn from besides, at most `limit` of them. Those that the data
            set holds already are left out, with `group="artist"` also those
            of artists that validate or test.
        **options: of the data set. `folder`: `exclude`, a file that lists
            images to leave out (see `keras_artkd.datasets.exclusions`).
            `atelier`: `scenes`, their number. `wikiart` and
            `multitask_painting100k`: `official=True` for their own test
            split. `npz` (0.15), `imagenet` (1/128) and all other photographs
            (0.1), whose test split is always their own:
            `validation_fraction` of train. `npz`, `cifar10` and `cifar100`:
            `classes`, only the first so many, and `per_class`, only the first
            so many training images of each.

    Returns:
        `Collection`. Classes without any image are left out of it.

    Example:
        >>> load("atelier", scenes=24, short_side=32).test.sizes[0].tolist()
        [32, 32]
    """
    if name not in LOADERS:
        raise ValueError(
            f"`name` must be a known data set: {', '.join(LOADERS)}. "
            f"Received: name={name!r}."
        )
    if group not in _GROUPS:
        raise ValueError(
            f"`group` must be one of {_GROUPS}. Received: group={group!r}."
        )
    if limit is not None and limit < 1:
        raise ValueError(
            f"`limit` must be at least 1, or None. Received: limit={limit}."
        )
    loader = LOADERS[name]
    parameters = inspect.signature(loader).parameters.values()
    known = [p.name for p in parameters if p.default is not p.empty]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"Data set {name!r} knows the options {known}. "
            f"Received: {', '.join(unknown)}."
        )
    if data_dir is None and name not in _NEED_NO_DATA_DIR:
        raise ValueError(
            f"Data set {name!r} needs `data_dir`, where its images are. "
            "Received: data_dir=None."
        )
    check_share(unlabelled)
    if unlabelled or unlabelled_dir is not None:
        _check_unlabelled(name, data_dir, unlabelled_dir)
    class_names, parts, skipped = loader(
        data_dir=data_dir,
        short_side=short_side,
        group=group,
        limit=limit,
        split_seed=split_seed,
        cache_dir=cache_dir,
        **options,
    )
    by_artist = group == "artist"
    hidden = []
    if unlabelled:
        told, rest = hide_labels(parts["train"], unlabelled, split_seed)
        parts = {**parts, "train": told}
        hidden = [rest]
    if unlabelled_dir is not None:
        examples, unreadable = read_folder(
            unlabelled_dir,
            # Beside arrays of a size of their own.
            short_side or int(parts["train"].store.sizes.min()),
            limit,
            split_seed,
            _reader(loader),
        )
        held = {**parts, "the unlabelled share": hidden[0]} if hidden else parts
        examples, known = leave_out_known(examples, held, by_artist)
        hidden.append(examples)
        skipped = skipped + unreadable + known
    return collect(
        name,
        class_names,
        parts,
        skipped,
        by_artist,
        join(hidden) if hidden else None,
    )


def _check_unlabelled(name, data_dir, unlabelled_dir):
    """What would else come to light after everything was decoded."""
    if LOADERS[name] is load_imagenet:
        raise ValueError(
            "Images without labels need a data set that is in memory as a "
            f"whole. Received: name={name!r}, whose training images stay on "
            "disk."
        )
    if name == "folder" and unlabelled_dir is not None:
        inner = pathlib.Path(unlabelled_dir).resolve()
        if inner.is_relative_to(pathlib.Path(data_dir).resolve()):
            raise ValueError(
                "The folder of unlabelled images must lie outside that of the "
                "labelled ones, whose folders are classes. Received: "
                f"unlabelled_dir={str(unlabelled_dir)!r} in "
                f"data_dir={str(data_dir)!r}. Fix: move it out of there."
            )


def _reader(loader):
    """How a data set's images were decoded: so are those beside them."""
    prepared = getattr(loader, "func", None) in (load_archive, load_prepared)
    return read_as_stored if prepared else read_image


def load_folder(
    *,
    data_dir,
    short_side,
    group,
    limit,
    split_seed,
    cache_dir,
    exclude=None,
):
    """A directory of class folders, less the files that a list excludes."""
    class_names, records, skipped = find_records(data_dir)
    if exclude is not None:
        records, excluded = exclude_records(records, data_dir, exclude)
        skipped = skipped + excluded
    by_artist = group == "artist"
    if by_artist and all(record.group == record.key for record in records):
        raise ValueError(
            'group="artist" needs file names `<artist>_<title>`. Received: '
            f"data_dir={str(data_dir)!r}, where no file name holds an "
            '"_". Fix: group="none".'
        )
    if limit is not None:  # Before decoding, which is what takes the time.
        chosen = stratified_limit(
            [record.label for record in records], limit, split_seed
        )
        records = [records[i] for i in chosen]
    *examples, unreadable = read_records(records, short_side)
    examples = Examples(*examples)
    if not len(examples):
        raise ValueError(
            "The data directory must hold images that can be read. Received: "
            f"data_dir={str(data_dir)!r}, where none of {len(records)} can, "
            f"the first because: {unreadable[0].reason}."
        )
    parts = split_examples(examples, by_artist, split_seed)
    return class_names, parts, skipped + unreadable


def load_arrays(
    read,
    *,
    data_dir,
    short_side,
    group,
    limit,
    split_seed,
    cache_dir,
    validation_fraction=0.15,
    classes=None,
    per_class=None,
):
    """Arrays, as `load_npz` gives them; validation is taken from train."""
    refuse_artist(group, "A data set of arrays")
    class_names, train, test = read(data_dir)
    if classes is None:
        classes = len(class_names)
    elif not 2 <= classes <= len(class_names):
        raise ValueError(
            f"`classes` must be 2 to {len(class_names)} here, or None for "
            f"all. Received: classes={classes}."
        )
    if per_class is not None and per_class < 2:
        raise ValueError(
            "`per_class` must be at least 2, one to train and one to "
            f"validate, or None for all. Received: per_class={per_class}."
        )
    parts, skipped = split_official(
        _from_arrays("train", *train, short_side, classes, per_class),
        _from_arrays("test", *test, short_side, classes),
        validation_fraction,
        limit,
        split_seed,
    )
    return class_names[:classes], parts, skipped


def load_atelier(
    *, data_dir, short_side, group, limit, split_seed, cache_dir, scenes=240
):
    """Paintings made on the spot; all of one scene lie in one split."""
    from keras_artkd.datasets.atelier import STYLES, generate
    from keras_artkd.datasets.atelier.splits import split_scenes

    refuse_artist(group, "atelier")
    if short_side is None:
        raise ValueError(
            "`atelier` paints at the size asked for. Received: "
            "short_side=None. Fix: a number of pixels."
        )
    images, labels, scene_numbers = generate(scenes, short_side)
    names = [f"scene {number}" for number in scene_numbers]
    examples = Examples(
        ImageStore.from_images(
            images,
            labels,
            [
                f"{STYLES[label]}/{name}"
                for label, name in zip(labels, names, strict=True)
            ],
        ),
        names,
        [content_digest(image) for image in images],
    )
    parts = {
        split: examples.take(np.flatnonzero(np.isin(scene_numbers, numbers)))
        for split, numbers in split_scenes(scenes, split_seed).items()
    }
    return list(STYLES), limit_parts(parts, limit, split_seed), []


def _from_arrays(split, images, labels, short_side, classes, per_class=None):
    """`Examples` of the first `per_class` images of the first `classes`."""

    def resized(image):
        picture = centre_crop(Image.fromarray(image), 2.0)
        return np.array(resize_short_side(picture, short_side))

    rows = [np.flatnonzero(labels == i)[:per_class] for i in range(classes)]
    rows = np.sort(np.concatenate(rows))
    images = images[rows]
    if short_side not in (None, min(images.shape[1:3])):
        images = np.stack(list(map_threads(resized, images)))
    keys = [f"{split}/{row:06d}" for row in rows]
    return Examples(
        ImageStore.from_array(images, labels[rows], keys),
        keys,
        [content_digest(image) for image in images],
    )


# Adding a data set: a loader as above, and one line here.
LOADERS = {
    "atelier": load_atelier,
    "folder": load_folder,
    "cifar10": functools.partial(
        load_arrays,
        functools.partial(load_cifar, "cifar10"),
        validation_fraction=0.1,
    ),
    "cifar100": functools.partial(
        load_arrays,
        functools.partial(load_cifar, "cifar100"),
        validation_fraction=0.1,
    ),
    "tiny_imagenet": functools.partial(load_archive, "tiny_imagenet"),
    "imagenet": load_imagenet,
    "cub200": functools.partial(load_downloaded, "caltech_birds2011"),
    "stanford_dogs": functools.partial(load_downloaded, "stanford_dogs"),
    "stanford40": functools.partial(load_archive, "stanford40"),
    "mit67": functools.partial(load_archive, "mit67"),
    "npz": functools.partial(load_arrays, load_npz),
    "pandora18k": functools.partial(load_prepared, "pandora18k"),
    "wikiart": functools.partial(load_prepared, "wikiart"),
    "multitask_painting100k": functools.partial(
        load_prepared, "multitask_painting100k"
    ),
}
