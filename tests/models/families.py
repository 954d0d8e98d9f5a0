"""The families of the catalogue, found by the files that make and test them.

`tests/models/test_<file>.py` of a family is imported here, and must not import
this module.
"""

import contextlib
import functools
import importlib
from unittest import mock

from keras_artkd import models
from keras_artkd.catalogue.networks import NETWORKS
from keras_artkd.models.network import ClassificationNetwork


def _module(name):
    return importlib.import_module(
        f"keras_artkd.models.{NETWORKS[name].module}"
    )


_FIRST = {}
for _name, _entry in NETWORKS.items():
    _FIRST.setdefault(_entry.module, _name)
# The first name that the catalogue has of every file: its `Family`.
FAMILIES = {
    name: importlib.import_module(f"tests.models.test_{module}").FAMILY
    for module, name in _FIRST.items()
}
# Those of classes of this package, by name: class.
CLASSES = {
    name: getattr(_module(name), NETWORKS[name].maker)
    for name in FAMILIES
    if isinstance(getattr(_module(name), NETWORKS[name].maker), type)
}
assert all(issubclass(cls, ClassificationNetwork) for cls in CLASSES.values())


def family_of(name):
    return FAMILIES[_FIRST[NETWORKS[name].module]]


@contextlib.contextmanager
def shallow():
    """Networks are made, and loaded, with few blocks a stage."""
    with contextlib.ExitStack() as stack:
        for name, family in FAMILIES.items():
            if family.stages:
                patch = mock.patch.object(
                    _module(name), "STAGES", family.stages
                )
                stack.enter_context(patch)
        yield


def small(name, num_classes=10, size=32, **options):
    """A network of a family, of few layers."""
    options = {**FAMILIES[name].small, **options}
    with shallow():
        return models.build(name, num_classes, (size, size, 3), **options)


@functools.cache
def built_small(name):
    """As `small`, for tests that do not change it."""
    return small(name)
