"""Exported files that several tests read."""

import pytest

from tests.deploy.classifiers import write_classifiers


@pytest.fixture(scope="session")
def classifiers(tmp_path_factory):
    """Name -> path of a classifier of colours, in every format."""
    return write_classifiers(tmp_path_factory.mktemp("classifiers"))
