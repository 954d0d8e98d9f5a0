"""TFDS builder of MIT Indoor Scene Recognition."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.mit67 import index
from keras_artkd.datasets.archives.photographs import PhotographBuilder


class Builder(PhotographBuilder):
    """MIT Indoor Scene Recognition, photographs of 67 kinds of rooms."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    HOMEPAGE = "https://web.mit.edu/torralba/www/indoor.html"
    MANUAL_DOWNLOAD_INSTRUCTIONS = index.INSTRUCTIONS
    build_index = staticmethod(index.build_index)
