"""Settings of the smallest runs there are."""

from keras_artkd.runs.plan import resolve
from keras_artkd.runs.presets import default_config

SMALL = {
    "student": "wrn_10_1",
    "initial": "wrn_10_1",
    "expert_network": "wrn_10_1",
    "image_size": 16,
    "epochs": 1,
    "batch_size": 16,
}


def preset(recipe, **changes):
    """The default configuration of a recipe, with changes."""
    return default_config(recipe).replace(**changes)


def small(recipe, **changes):
    """The same, of the smallest networks, for an epoch."""
    return preset(recipe, **{**SMALL, **changes})


def small_plan(recipe, **changes):
    """`small`, resolved."""
    return resolve(small(recipe, **changes))
