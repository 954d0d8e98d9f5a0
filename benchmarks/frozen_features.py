"""What classifiers on frozen features are worth, by the depths they read.

  python -m benchmarks.frozen_features FOLDER [NETWORK [SIDE]]

FOLDER holds one sub-folder a class, NETWORK has ImageNet's weights. For each of
five random splits logistic regression learns the training images, its
regularisation chosen by validation, from the last features or from those of
several depths (`models.with_levels`), of all labels or of a share. Of several
depths also where a depth weighs by its number of features, and where a class
weighs by its number of images. Printed are the means over the splits of right
test images, in percent, and of each class's.
"""

import argparse
import dataclasses
from typing import Any

import numpy as np

from keras_artkd.output import import_tensorflow

_SHARES = (5, 10, 20, 50, 100)


def main(arguments: list[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder")
    parser.add_argument("network", nargs="?", default="efficientnet_lite0")
    parser.add_argument("side", nargs="?", type=int, default=128)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--shares", type=int, nargs="+", default=_SHARES)
    options = parser.parse_args(arguments)
    import_tensorflow()
    from keras_artkd import datasets, models
    from keras_artkd.data.pipeline import evaluation_dataset
    from keras_artkd.data.store import ImageStore
    from keras_artkd.models.levels import level_sizes
    from keras_artkd.runs.heads import feature_model, fit_head

    def load(split: int, short_side: int, hidden: float) -> Any:
        return datasets.load(
            "folder",
            options.folder,
            short_side,
            split_seed=split,
            unlabelled=hidden,
        )

    whole = load(0, round(1.125 * options.side), 0.0)
    store = ImageStore.concatenate([whole.train, whole.validation, whole.test])
    classes = len(whole.class_names)
    shape = (options.side, options.side, 3)
    network = models.with_levels(
        models.build(options.network, classes, shape, weights="imagenet")
    )
    sizes = level_sizes(network)
    assert sizes is not None
    features = feature_model(network).predict(
        evaluation_dataset(store, options.side, 64), verbose=0
    )
    row_of = {key: row for row, key in enumerate(store.keys)}
    last, all_of_them = slice(-sizes[-1], None), slice(None)
    kinds = {
        "last features": (last, None, True),
        "several depths": (all_of_them, sizes, True),
        "by features": (all_of_them, None, True),
        "by images": (all_of_them, sizes, False),
    }
    print("labels  features         right  of classes")
    for share in options.shares:
        right: dict[str, list[tuple[float, float]]] = {k: [] for k in kinds}
        for split in range(options.splits):
            data = load(split, 32, round(1 - share / 100, 2))
            parts = [
                ([row_of[key] for key in part.keys], part.labels)
                for part in (data.train, data.validation, data.test)
            ]
            for kind, (columns, levels, balanced) in kinds.items():
                (train, labels), (held, truth), (test, expected) = (
                    (features[rows][:, columns], known) for rows, known in parts
                )
                known = train, labels, held, truth, classes, levels
                head = fit_head(*known)
                if not balanced:
                    like = dataclasses.replace(head, balanced=False)
                    head = fit_head(*known, like)
                hit = head.logits(test).argmax(axis=1) == expected
                each = [hit[expected == c].mean() for c in {*expected}]
                right[kind].append((hit.mean(), np.mean(each)))
        for kind, values in right.items():
            accuracy, macro = 100 * np.mean(values, axis=0)
            print(f"{share:4} %  {kind:15} {accuracy:6.1f} {macro:11.1f}")


if __name__ == "__main__":
    main()
