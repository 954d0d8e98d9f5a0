"""Base classes of losses; every loss is exported and checked."""

import ast
import importlib
import pkgutil
from pathlib import Path

import keras
import pytest

from keras_artkd import losses
from keras_artkd.models import with_endpoints
from tests.losses.networks import make_distiller, sample
from tests.losses.samples import BASES, exported_losses


def calls(path):
    """The calls in a file, as pairs of a name and the first argument."""
    return {
        (ast.unparse(node.func), ast.unparse(node.args[0]))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and node.args
    }


def subclasses(cls):
    for found in cls.__subclasses__():
        yield from (found, *subclasses(found))


@pytest.mark.parametrize("cls", exported_losses())
def test_every_loss_is_checked_in_its_own_file(cls):
    module = cls.__module__.rpartition(".")[2]
    found = calls(Path(__file__).with_name(f"test_{module}.py"))
    assert ("check_loss_layer", f"losses.{cls.__name__}") in found
    assert {"check_gradient", "check_relation"} & {name for name, _ in found}


def test_every_transfer_loss_is_exported():
    for module in pkgutil.iter_modules(losses.__path__):
        importlib.import_module(f"{losses.__name__}.{module.name}")
    found = {
        cls
        for cls in subclasses(losses.TransferLoss)
        if cls.__module__.startswith(f"{losses.__name__}.")
        and not cls.__name__.startswith("_")
    }
    assert found - set(BASES) == set(exported_losses())


def test_maps_must_have_a_fixed_size():
    _, teacher, student = sample()
    loss = losses.Hint(pairs=[("logits", "group1")])
    with pytest.raises(ValueError, match=r"fixed size.*logits \(8, 4\).*Fix"):
        loss(None, teacher, student)
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(inputs)
    logits = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x))
    network = with_endpoints(keras.Model(inputs, logits), {"group2": "conv"})
    with pytest.raises(ValueError, match="fixed size.*input_shape"):
        make_distiller(losses.Hint(), student=network)
