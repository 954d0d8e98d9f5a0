"""Layers with weights or maths of their own."""

from keras_artkd.layers.awgram import AWGram as AWGram
from keras_artkd.layers.batch_normalization import (
    BatchNormalization as BatchNormalization,
)
from keras_artkd.layers.fusion import (
    FastNormalizedFusion as FastNormalizedFusion,
)
