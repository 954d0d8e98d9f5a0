"""TFDS builder of Stanford 40 Actions."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.photographs import PhotographBuilder
from keras_artkd.datasets.archives.stanford40 import index


class Builder(PhotographBuilder):
    """Stanford 40 Actions, photographs of 40 actions."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    HOMEPAGE = "http://vision.stanford.edu/Datasets/40actions.html"
    MANUAL_DOWNLOAD_INSTRUCTIONS = index.INSTRUCTIONS
    build_index = staticmethod(index.build_index)
