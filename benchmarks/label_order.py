"""What a person's labels are worth, by the order of the pictures.

  python -m benchmarks.label_order FOLDER [LABELLED [TEST]]

FOLDER holds one sub-folder a class. Features are those of EfficientNet-Lite0
with ImageNet's weights, at 128 pixels. For each seed some images have labels,
some test, and the classes of the rest are hidden; logistic regression on the
labelled ones is the expert, which says in what order the others are labelled.
Printed is how many more test images of 100 are right when the first so many of
them are learned, too, beside a random order, with the standard error over the
seeds.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from keras_artkd.output import import_tensorflow
from keras_artkd.runs.label_order import by_turns, labelling_order, margins

_SIDE = 128
# scikit-learn's C, and what it is fast with.
_STRENGTH = 0.03
_COMPONENTS = 200
_COUNTS = (100, 200, 400)


def by_features(probabilities: Any, features: Any) -> Any:
    """`labelling_order`, with groups of features in place of probabilities."""
    order = np.argsort(margins(probabilities))
    unsure, sure = np.split(order, [(len(order) + 1) // 2])
    groups = MiniBatchKMeans(20, random_state=0, n_init=3)
    turns = by_turns(groups.fit_predict(features[unsure]))
    return np.concatenate([unsure[turns], sure])


# Probabilities, features and a generator of random numbers -> rows.
_ORDERS: dict[str, Callable[[Any, Any, np.random.Generator], Any]] = {
    "random": lambda p, f, random: random.permutation(len(p)),
    "least confident": lambda p, f, random: np.argsort(p.max(axis=1)),
    "smallest margin": lambda p, f, random: np.argsort(margins(p)),
    "margin, by turns": lambda p, f, random: labelling_order(
        p, np.zeros(len(p), bool)
    ),
    "turns of features": lambda p, f, random: by_features(p, f),
}


def main(arguments: list[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder")
    parser.add_argument("labelled", nargs="?", type=int, default=300)
    parser.add_argument("test", nargs="?", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=24)
    options = parser.parse_args(arguments)
    features, labels = read_features(options.folder)
    gains: dict[str, list[list[float]]] = {name: [] for name in _ORDERS}
    alone = []
    for seed in range(options.seeds):
        random = np.random.default_rng(seed)
        rows = random.permutation(len(labels))
        test, known, others = np.split(
            rows, [options.test, options.test + options.labelled]
        )

        def right(learned: Any, test: Any = test) -> float:
            model = fit(features[learned], labels[learned])
            return 100 * model.score(features[test], labels[test])

        expert = fit(features[known], labels[known])
        probabilities = expert.predict_proba(features[others])
        alone.append(right(known))
        for name, order in _ORDERS.items():
            first = others[order(probabilities, features[others], random)]
            gains[name].append(
                [
                    right(np.concatenate([known, first[:count]])) - alone[-1]
                    for count in _COUNTS
                ]
            )
    print(
        f"{len(labels)} images, {options.labelled} with labels: "
        f"{np.mean(alone):.1f} % of {options.test} right, {options.seeds} seeds"
    )
    print(" " * 20 + "".join(f"{f'+ {n} labels':>24}" for n in _COUNTS))
    chance = np.array(gains["random"])
    for name, each in gains.items():
        more = np.array(each)
        beside = more - chance
        error = beside.std(axis=0, ddof=1) / len(each) ** 0.5
        print(f"{name:20}", end="")
        for count in range(len(_COUNTS)):
            compared = f"({beside[:, count].mean():+.2f} ± {error[count]:.2f})"
            if name == "random":
                compared = ""
            print(f"{more[:, count].mean():8.2f} {compared:16}", end="")
        print()


def fit(features: Any, labels: Any) -> LogisticRegression:
    """Logistic regression."""
    return LogisticRegression(C=_STRENGTH, max_iter=200).fit(features, labels)


def read_features(folder: str) -> tuple[Any, Any]:
    """Features of all images, decorrelated, and their classes."""
    import_tensorflow()
    from keras_artkd import datasets, models
    from keras_artkd.data.pipeline import evaluation_dataset
    from keras_artkd.data.store import ImageStore
    from keras_artkd.runs.heads import feature_model

    data = datasets.load("folder", folder, round(1.125 * _SIDE))
    assert isinstance(data.train, ImageStore)
    store = ImageStore.concatenate([data.train, data.validation, data.test])
    network = models.build(
        "efficientnet_lite0",
        len(data.class_names),
        (_SIDE, _SIDE, 3),
        weights="imagenet",
    )
    features = feature_model(network).predict(
        evaluation_dataset(store, _SIDE, 64), verbose=0
    )
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    features = PCA(_COMPONENTS, random_state=0).fit_transform(features)
    return features / features.std(), store.labels


if __name__ == "__main__":
    main()
