"""Traced steps of the methods: the same as eager ones.

Methods are joined, so that few graphs have the terms of many.
`test_distribution` has those of a training in phases.
"""

import keras
import numpy as np
import pytest

from keras_artkd.catalogue.methods import get_method
from keras_artkd.distillers import METHODS
from keras_artkd.models import without_exits
from tests.distillers.networks import (
    KINDS,
    assert_same_changes,
    make,
    snapshot,
    untrained,
)
from tests.distillers.test_methods import OPTIONS, examples


def gives_exits(method):
    student = untrained(method).student
    return without_exits(student) is not student


def can_be_joined(methods):
    try:
        get_method("+".join(methods))
    except ValueError:
        return False
    return sum(map(gives_exits, methods)) < 2


def joined_methods():
    """Lists of methods that can be joined, as few as follow each other."""
    groups = []
    for method in METHODS:
        if METHODS[method].staged:
            continue
        for group in groups:
            if can_be_joined([*group, method]):
                group.append(method)
                break
        else:
            groups.append([method])
    return groups


def first_steps(methods, **how):
    """Logs of two steps, and the weights before and after them."""
    options = {
        f"{method}.{name}" if len(methods) > 1 else name: value
        for method in methods
        for name, value in OPTIONS[method].items()
    }
    joined = "+".join(methods)
    # Warm-ups are over in the first epoch, and AB's stage without labels.
    options |= dict.fromkeys(get_method(joined).epoch_options, 0.5)
    keras.utils.set_random_seed(0)
    distiller = make(joined, **options)
    distiller.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), metrics=["accuracy"], **how
    )
    before = snapshot(distiller)
    logs = distiller.fit(
        *examples(distiller), batch_size=8, shuffle=False, verbose=0
    ).history
    return logs, before, snapshot(distiller)


def check_that_a_graph_takes_the_eager_steps(methods):
    logs, before, after = first_steps(methods, jit_compile=False)
    eager_logs, _, eager_after = first_steps(methods, run_eagerly=True)
    assert set(logs) == set(eager_logs)
    for name, values in eager_logs.items():
        np.testing.assert_allclose(
            logs[name], values, rtol=1e-3, atol=1e-6, err_msg=name
        )
    assert_same_changes(before, eager_after, after)


def test_every_kind_of_term_in_one_graph():
    check_that_a_graph_takes_the_eager_steps(KINDS.split("+"))


@pytest.mark.exhaustive
def test_all_methods_in_graphs():
    groups = joined_methods()
    assert sum(map(len, groups)) == sum(not m.staged for m in METHODS.values())
    for methods in groups:
        check_that_a_graph_takes_the_eager_steps(methods)
