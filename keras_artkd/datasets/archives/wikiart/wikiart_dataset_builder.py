"""TFDS builder of WikiArt (refined)."""

import tensorflow_datasets as tfds

from keras_artkd.datasets.archives.paintings import PaintingBuilder, configs
from keras_artkd.datasets.archives.wikiart import index


class Builder(PaintingBuilder):
    """WikiArt (refined), images with style labels."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = configs("random", "artist", "official")
    HOMEPAGE = "https://github.com/cs-chan/ArtGAN"
    MANUAL_DOWNLOAD_INSTRUCTIONS = index.INSTRUCTIONS
    CLASS_NAMES = index.CLASS_NAMES
    build_index = staticmethod(index.build_index)
