"""TFDS builder of Pandora 18k."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.paintings import PaintingBuilder, configs
from keras_artkd.datasets.archives.pandora18k import index


class Builder(PaintingBuilder):
    """Pandora 18k, images with style labels."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = configs("random", "artist")
    HOMEPAGE = "http://imag.pub.ro/pandora/pandora_download.html"
    MANUAL_DOWNLOAD_INSTRUCTIONS = index.INSTRUCTIONS
    CLASS_NAMES = index.CLASS_NAMES
    build_index = staticmethod(index.build_index)
