"""Small pictures and archives, no two alike."""

import functools

import pytest

from tests.datasets import archives


@pytest.fixture
def picture():
    """Function that writes a small JPEG, its content decided by a seed."""
    return archives.picture


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """Function of a name: the folder of an archive that no test changes."""
    return functools.cache(
        lambda name: archives.MAKE[name](tmp_path_factory.mktemp(name))
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Where these archives are prepared, each once."""
    return tmp_path_factory.mktemp("cache")
