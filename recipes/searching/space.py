"""What is searched, and how a trial's values become a configuration."""

import dataclasses

import keras_tuner

from keras_artkd.distillers.registry import get_method
from keras_artkd.distillers.spaces import Float

# The searched learning rates lie up to so many times below and above the
# recipe's.
RATE_FACTOR = 10.0


def search_space(config):
    """What a search of a configuration varies.

    The learning rate, and what the method declares, less the options that
    the configuration sets: those stay as they are set.

    Returns:
        dict name -> `Float` or `Choice`.
    """
    space = {
        name: values
        for name, values in get_method(config.method).space.items()
        if name not in config.given_options
    }
    rate = config.first_rate
    space["learning_rate"] = Float(
        rate / RATE_FACTOR, rate * RATE_FACTOR, sampling="log"
    )
    return space


def to_hyperparameters(space, config):
    """The space as Keras Tuner has it; its defaults are the recipe's."""
    defaults = {
        **get_method(config.method).options,
        **config.method_options,
        "learning_rate": config.first_rate,
    }
    hyperparameters = keras_tuner.HyperParameters()
    for name, values in space.items():
        if isinstance(values, Float):
            hyperparameters.Float(
                name,
                values.low,
                values.high,
                sampling=values.sampling,
                default=defaults[name],
            )
        else:
            hyperparameters.Choice(
                name, list(values.values), default=defaults[name]
            )
    return hyperparameters


def trial_settings(space, values):
    """A trial's values of what is searched, name -> value.

    Numbers have four digits: enough, short to read, and the same on both
    sides of Keras Tuner's wire, which carries 32 bits.
    """
    return {
        name: float(f"{values[name]:.4g}")
        if isinstance(values[name], float)
        else values[name]
        for name in space
    }


def trial_config(config, settings, epochs=None):
    """The configuration that a trial trains.

    Args:
        config: `Config` of the search.
        settings: dict, `trial_settings` of the trial.
        epochs: int, or None for those of the search.

    Returns:
        `Config`, of the same expert whatever is searched.
    """
    expert = config.expert_config()
    options = {k: v for k, v in settings.items() if k != "learning_rate"}
    return dataclasses.replace(
        config,
        learning_rate=settings["learning_rate"],
        options={**config.options, **options},
        epochs=epochs or config.epochs,
        expert_epochs=expert.epochs,
        expert_learning_rate=expert.first_rate,
    )
