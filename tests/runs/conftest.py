"""An expert of noise, and what it says of twelve images."""

import keras
import pytest

from keras_artkd.runs.pseudo_labels import label_images
from tests.runs import paintings


@pytest.fixture(scope="session")
def noise_expert():
    keras.utils.set_random_seed(0)
    return paintings.make_expert()


@pytest.fixture(scope="session")
def noise_labels(noise_expert):
    return label_images(noise_expert, paintings.store(12), 8)
