"""Spaces that methods declare for a search."""

import pytest

from keras_artkd.catalogue.spaces import Choice, Float
from keras_artkd.distillers import METHODS
from tests.distillers.networks import untrained


@pytest.mark.parametrize("method", METHODS)
def test_spaces_are_of_options_and_hold_the_defaults(method):
    row = METHODS[method]
    assert set(row.space) <= set(row.options)
    for name, values in row.space.items():
        assert row.options[name] in values, name
    # The search's own name for what every method has.
    assert "learning_rate" not in row.options


def test_every_method_with_a_weight_can_be_searched():
    searched = {name for name, row in METHODS.items() if row.space}
    assert searched == set(METHODS) - {"baseline"}


@pytest.mark.parametrize(
    "method", [name for name, row in METHODS.items() if row.space]
)
@pytest.mark.parametrize("end", [0, -1])
def test_both_ends_of_a_space_make_a_distiller(method, end):
    options = {
        name: values.values[end]
        if isinstance(values, Choice)
        else (values.low, values.high)[end]
        for name, values in METHODS[method].space.items()
    }
    untrained(method, **options)


def test_what_lies_within():
    assert 1.0 in Float(1.0, 2.0) and 2.0 in Float(1.0, 2.0)
    assert 2.1 not in Float(1.0, 2.0)
    assert "b" in Choice(("a", "b")) and "c" not in Choice(("a", "b"))


@pytest.mark.parametrize(
    ("make_space", "message"),
    [
        (lambda: Float(2.0, 1.0), "below.*low=2.0"),
        (lambda: Float(0.0, 1.0, "log"), "positive.*low=0.0"),
        (lambda: Float(0.0, 1.0, "cubic"), "linear or log.*'cubic'"),
        (lambda: Choice(("a", "a")), "two different values.*'a'"),
    ],
)
def test_bad_spaces(make_space, message):
    with pytest.raises(ValueError, match=message):
        make_space()
