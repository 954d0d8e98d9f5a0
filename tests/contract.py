"""Checks that every layer, loss and model must pass, as tables use them."""

import inspect

import numpy as np
import tensorflow as tf


def check_config(instance, **changed):
    """Every argument is an attribute and a key, and survives a round trip.

    Args:
        instance: made with the arguments `changed`.
        **changed: every argument of the constructor that has a default, with
            another value than that; those that it passes on too.
    """
    parameters = constructor_parameters(type(instance))
    config = instance.get_config()
    for name, parameter in parameters.items():
        assert hasattr(instance, name), f"no attribute {name}"
        assert name in config, f"no key {name}"
        default = parameter.default
        if default is not parameter.empty and name != "name":
            assert name in changed, f"{name} was not tried"
            assert changed[name] != default, f"{name} is at its default"
    restored = type(instance).from_config(config)
    assert settings(restored.get_config()) == settings(config)
    for name, value in changed.items():
        if isinstance(value, (str, int, float, bool, tuple)):
            assert getattr(restored, name) == value


def constructor_parameters(cls):
    """Parameters of a constructor, and of those that its `**kwargs` go to.

    Of the bases in this package, the optional ones: the others are for the
    subclass to give.
    """
    found = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("keras_artkd."):
            break
        if "__init__" not in vars(base):
            continue
        inherited = bool(found)
        passes_on = False
        parameters = inspect.signature(base.__init__).parameters
        for name, parameter in list(parameters.items())[1:]:
            if parameter.kind is parameter.VAR_KEYWORD:
                passes_on = True
            elif parameter.default is not parameter.empty or not inherited:
                found.setdefault(name, parameter)
        if not passes_on:
            break
    return found


def settings(config):
    """A configuration without what Keras adds once layers are built."""
    if isinstance(config, dict):
        return {
            key: settings(value)
            for key, value in config.items()
            if key != "build_config"
        }
    if isinstance(config, (list, tuple)):
        return [settings(value) for value in config]
    return config


def finite_difference_check(function, x, tolerance=2e-2, step=2e-3):
    """A gradient agrees with central differences in a random direction.

    `function` maps a float32 tensor to a scalar.
    """
    random = np.random.default_rng(0)
    x = np.asarray(x, "float32")
    direction = random.standard_normal(x.shape).astype("float32")
    direction /= np.linalg.norm(direction)
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        value = function(variable)
    slope = float(
        np.sum(tf.convert_to_tensor(tape.gradient(value, variable)) * direction)
    )
    difference = float(
        function(tf.constant(x + step * direction))
        - function(tf.constant(x - step * direction))
    ) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=tolerance, atol=1e-4)
    return slope
