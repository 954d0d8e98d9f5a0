"""Which pictures a person should label first.

Where the two likeliest classes are nearly as likely, a label tells the most;
but many such pictures are alike, and one tells what the next would. So pictures
come by their margin, and by turns from groups that differ in what the expert
wavers between.
"""

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from keras_artkd.types import Array

# Groups of pictures that are taken by turns.
_GROUPS = 20


def margins(probabilities: Array) -> Array:
    """How much likelier the likeliest class is than the next.

    Args:
        probabilities: `(n, classes)`, at least two classes.

    Returns:
        `(n,)`, in [0, 1].

    Reference: Scheffer, Decomain, Wrobel, "Active Hidden Markov Models for
    Information Extraction", 2001; Settles, "Active Learning Literature
    Survey", 2009, section 3.1.
    """
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    difference: Array = two[:, 1] - two[:, 0]
    return difference


def labelling_order(probabilities: Array, done: Array) -> Array:
    """The rows of pictures in the order in which a person should label them.

    The half with the smaller margins is divided into groups by k-means on the
    probabilities. Groups take turns, each with its smallest margin first. The
    other half follows by margin, and what a person has labelled comes last.

    Args:
        probabilities: `(n, classes)`, the expert's.
        done: bool `(n,)`: whether a person has labelled the picture.

    Returns:
        int `(n,)`: a permutation, the same for the same arguments.

    Reference: Citovsky et al., "Batch Active Learning at Scale", 2021,
    https://arxiv.org/abs/2107.14263, algorithm 1, which takes turns among
    groups of features; the groups of the uncertain alone are those of Zhdanov,
    "Diverse mini-batch Active Learning", 2019,
    https://arxiv.org/abs/1901.05954.
    """
    order = np.argsort(margins(probabilities), kind="stable")
    open_, closed = order[~done[order]], order[done[order]]
    count = (len(open_) + 1) // 2
    unsure, sure = open_[:count], open_[count:]
    turns = by_turns(_groups(probabilities[unsure]))
    return np.concatenate([unsure[turns], sure, closed])


def by_turns(groups: Array) -> Array:
    """Positions ordered so that groups take turns, each in its own order.

    Args:
        groups: int `(n,)`, the group of each position.

    Returns:
        int `(n,)`: the first of each group, then the second of each, and so
        on; within a turn by position.
    """
    turn = np.empty(len(groups), int)
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        turn[places] = np.arange(len(places))
    return np.argsort(turn, kind="stable")


def _groups(points: Array) -> Array:
    """The group of each point, by k-means from a fixed seed."""
    different, same = np.unique(points, axis=0, return_inverse=True)
    if len(different) <= _GROUPS:
        return same.reshape(-1)
    clusters = MiniBatchKMeans(_GROUPS, random_state=0, n_init=3)
    return clusters.fit_predict(points)
