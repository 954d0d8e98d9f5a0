"""TFDS builder of MultitaskPainting100k."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.multitask_painting100k import index
from keras_artkd.datasets.archives.paintings import PaintingBuilder, configs


class Builder(PaintingBuilder):
    """MultitaskPainting100k, images with style labels."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = configs("random", "artist", "official")
    HOMEPAGE = "http://www.ivl.disco.unimib.it/activities/paintings/"
    MANUAL_DOWNLOAD_INSTRUCTIONS = index.INSTRUCTIONS
    build_index = staticmethod(index.build_index)
