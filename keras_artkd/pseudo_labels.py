"""Labels that an expert gives to images, to look at, correct and learn from.

    labels = label_images(expert, data.unlabelled, 64, threshold=0.8)
    write_labels("pseudo_labels.csv", labels, data.class_names)
    # ... where a person corrects the file ...
    labels = read_labels("pseudo_labels.csv", labels, data.class_names)
    store = learn_from(expert, data.train, data.unlabelled, labels, 64)

`data` is of `keras_artkd.datasets.load(..., unlabelled=0.8)`, or with
`unlabelled_dir=`. Batches of `keras_artkd.data.training_dataset(store, ...)`
have targets instead of labels, which the methods `pseudo_hard`,
`pseudo_soft`, `equation` and `mixed` learn.
"""

import csv
import dataclasses
import difflib
import hashlib
import io
import json
import pathlib

import keras
import numpy as np

from keras_artkd.data import evaluation_dataset
from keras_artkd.distillers.network import resize_like
from keras_artkd.evaluate import softmax
from keras_artkd.files import write_text
from keras_artkd.image_store import NO_LABEL, ImageStore
from keras_artkd.losses.pseudo_labels import pseudo_targets

COLUMNS = ("image", "label", "expert", "confidence", "used")
# Of which a person's corrections are read.
_READ = ("image", "label", "used")
_ANSWERS = {"yes": True, "no": False}
_BATCH_SIZE = 64
# What else spreadsheets separate columns by.
_DELIMITERS = ",;\t"


class NothingToLearn(ValueError):
    """No image has a label that may be learned."""


@dataclasses.dataclass(frozen=True)
class PseudoLabels:
    """What an expert says of some images, and a person of that.

    Attributes:
        keys: `(n,)` str: what each image is called.
        logits: float32 `(n, classes)`, the expert's.
        labels: int32 `(n,)`: the class of each image: the expert's likeliest,
            unless a person said another.
        used: bool `(n,)`: whether it is learned from.
        corrected: bool `(n,)`: whether a person said another class than the
            expert.
    """

    keys: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    used: np.ndarray
    corrected: np.ndarray

    def __len__(self):
        """The number of images."""
        return len(self.keys)

    @property
    def confidence(self):
        """The largest probability of each image, `(n,)`."""
        return softmax(self.logits).max(axis=1)

    def fingerprint(self):
        """Hex digest of what is learned from: images, classes, whose."""
        rows = zip(
            self.keys[self.used].tolist(),
            self.labels[self.used].tolist(),
            self.corrected[self.used].tolist(),
            strict=True,
        )
        return hashlib.sha256(json.dumps([*rows]).encode()).hexdigest()

    def measure(self, hidden_labels=None):
        """What there is to know of them, ready for `json.dump`.

        Args:
            hidden_labels: int `(n,)`, true labels, `NO_LABEL` where nobody
                knows; or None.

        Returns:
            dict: `images`, `used`, `corrected` (of those used), `confidence`
            (the mean of those used); `known` (of those used, how many have a
            true label) and `right` (how many of these are labelled so).
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
            "corrected": int((used & self.corrected).sum()),
            "confidence": float(self.confidence[used].mean()),
            "known": known,
            "right": right,
        }


def predict_logits(expert, store, image_size):
    """What a network says of the centres of images, `(n, classes)`."""
    batches = evaluation_dataset(store, image_size, _BATCH_SIZE)
    batches = batches.map(lambda images, _: resize_like(images, expert))
    return expert.predict(batches, verbose=0)


def label_images(expert, store, image_size, threshold=0.0):
    """Has an expert label images, of which it uses those it is sure of.

    Args:
        expert: a trained `keras.Model` from raw pixels to logits.
        store: `ImageStore`; its own labels are not looked at.
        image_size: int, side of the central crops, pixels.
        threshold: float in [0, 1]: images whose largest probability (at
            temperature 1) is less are not used.

    Returns:
        `PseudoLabels`.

    Raises:
        NothingToLearn: if the expert is sure enough of none.
    """
    logits = predict_logits(expert, store, image_size)
    confidence = softmax(logits).max(axis=1)
    labels = PseudoLabels(
        keys=store.keys,
        logits=logits,
        labels=logits.argmax(axis=1).astype("int32"),
        used=confidence >= threshold,
        corrected=np.zeros(len(store), bool),
    )
    if not labels.used.any():
        raise NothingToLearn(
            "The expert must be sure enough of some images. Received: "
            f"threshold={threshold:g}, where the highest of "
            f"{len(labels)} confidences is {confidence.max():.4f}. Fix: a "
            "lower threshold, or an expert trained longer."
        )
    return labels


def write_labels(path, labels, class_names):
    """Writes labels as a table, the least sure first; atomically.

    Its columns are `image`, `label` and `expert` (the name of the class, and
    what the expert said), `confidence` and `used` (yes or no). What to correct
    are `label` and `used`.

    Args:
        path: the file, CSV in UTF-8.
        labels: `PseudoLabels`.
        class_names: list of str.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    confidence = labels.confidence
    for row in np.argsort(confidence, kind="stable"):
        writer.writerow(
            [
                labels.keys[row],
                class_names[labels.labels[row]],
                class_names[labels.logits[row].argmax()],
                f"{confidence[row]:.4f}",
                "yes" if labels.used[row] else "no",
            ]
        )
    write_text(path, text.getvalue())


def read_labels(path, labels, class_names):
    """Reads a table that a person may have corrected.

    Its word is law: a class other than the expert's of the same line is the
    image's label, as if it had always had one; an image is used where the
    table says so, whatever the threshold, and not where the table lacks it.
    Rows may be in any order, and have more columns. Without a column `expert`
    the expert of `labels` is meant.

    Args:
        path: the file.
        labels: `PseudoLabels`, what the expert says of the same images.
        class_names: list of str.

    Returns:
        `PseudoLabels`.

    Raises:
        NothingToLearn: if no image is to be used.
        ValueError: for what cannot be read, naming the line.
        OSError: if there is no such file.
    """
    path = pathlib.Path(path)
    position = {str(key): row for row, key in enumerate(labels.keys)}
    numbers = {name: number for number, name in enumerate(class_names)}
    classes = labels.logits.argmax(axis=1).astype("int32")
    used = np.zeros(len(labels), bool)
    corrected = np.zeros(len(labels), bool)
    seen = {}
    for line, row in _rows(path):
        image = row["image"]
        if image not in position:
            raise _unreadable(
                path,
                line,
                f"{image!r} is none of the {len(labels)} unlabelled images",
                "leave the line out, or the image's name as it was",
            )
        if image in seen:
            raise _unreadable(
                path,
                line,
                f"{image!r} is in line {seen[image]} already",
                "one line for each image",
            )
        seen[image] = line
        answer = row["used"].strip().lower()
        if answer not in _ANSWERS:
            raise _unreadable(
                path, line, f"`used` is {row['used']!r}", "yes or no"
            )
        if not _ANSWERS[answer]:
            continue
        at = position[image]
        label = _class_number(row["label"], numbers, path, line)
        said = classes[at]
        # Another expert's table may have been corrected, too.
        if row.get("expert") is not None:
            said = _class_number(row["expert"], numbers, path, line)
        classes[at], used[at], corrected[at] = label, True, label != said
    if not used.any():
        raise NothingToLearn(
            "A table of pseudo-labels must have an image that is used. "
            f"Received: {path}, with {len(seen)} images and none used."
        )
    return dataclasses.replace(
        labels, labels=classes, used=used, corrected=corrected
    )


def _class_number(name, numbers, path, line):
    """The number of a class that a line of a table names."""
    for known in (name, name.strip()):
        if known in numbers:
            return numbers[known]
    if not name.strip():
        raise _unreadable(
            path, line, "there is no class", "a class, or no in `used`"
        )
    near = difflib.get_close_matches(name.strip(), numbers, n=1)
    raise _unreadable(
        path,
        line,
        f"there is no class {name.strip()!r}",
        f"perhaps {near[0]}" if near else f"one of {', '.join(numbers)}",
    )


def _rows(path):
    """Yields the number of each line and its row, a dict of str."""
    try:
        # A spreadsheet may have put a mark in front.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            "A table of pseudo-labels must be UTF-8 text. Received: "
            f"{path} ({error}). Fix: save it as CSV, UTF-8."
        ) from error
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True
    )
    try:
        missing = [c for c in _READ if c not in (reader.fieldnames or ())]
        if missing:
            raise _unreadable(
                path,
                1,
                f"no column {' and no column '.join(missing)}",
                f"a first line {','.join(COLUMNS)}",
            )
        for row in reader:
            if any(row[column] is None for column in _READ):
                raise _unreadable(
                    path,
                    reader.line_num,
                    "it has fewer columns than the first line",
                    "all of them",
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise _unreadable(
            path, reader.line_num, str(error), "save it as CSV again"
        ) from error


def _unreadable(path, line, received, fix):
    return ValueError(
        "A table of pseudo-labels must have an image, its class and whether "
        f"to use it in each line. Received: {path}, line {line}: {received}. "
        f"Fix: {fix}."
    )


def learn_from(
    expert,
    labelled,
    unlabelled,
    labels,
    image_size,
    kind="pseudo_soft",
    **options,
):
    """What to train a student on: labelled images and those an expert labelled.

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
        logits.append(predict_logits(expert, labelled, image_size))
    else:  # A label is all that counts of an image with one.
        shape = (len(labelled), expert.output_shape[-1])
        logits.append(np.zeros(shape, "float32"))
    if unlabelled is not None:
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
