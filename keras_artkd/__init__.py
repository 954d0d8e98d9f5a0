"""Knowledge distillation for Keras 3, from labelled images to a device."""

from keras_artkd import distillers as distillers
from keras_artkd import layers as layers
from keras_artkd import losses as losses
from keras_artkd import models as models
from keras_artkd.distillers.distiller import Distiller as Distiller
from keras_artkd.version import __version__ as __version__
