"""TFDS builder of Tiny ImageNet."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.photographs import PhotographBuilder
from keras_artkd.datasets.archives.tiny_imagenet import index


class Builder(PhotographBuilder):
    """Tiny ImageNet, photographs of 200 classes."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    HOMEPAGE = "https://www.kaggle.com/c/tiny-imagenet"
    MANUAL_DOWNLOAD_INSTRUCTIONS = index.INSTRUCTIONS
    build_index = staticmethod(index.build_index)
