"""Small pictures, no two alike, for generated data sets."""

import pytest

from tests.datasets import archives


@pytest.fixture
def picture():
    """Function that writes a small JPEG, its content decided by a seed."""
    return archives.picture
