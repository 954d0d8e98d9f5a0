"""The distiller, and the published methods built on it.

The three classes of methods are imported, so that `keras.models.load_model`
knows them.
"""

from keras_artkd.catalogue.methods import METHODS as METHODS
from keras_artkd.catalogue.methods import get_method as get_method
from keras_artkd.distillers.distiller import Distiller as Distiller
from keras_artkd.distillers.methods.collaborative import (
    CollaborativeTeaching as CollaborativeTeaching,
)
from keras_artkd.distillers.methods.ctkd import CTKD as CTKD
from keras_artkd.distillers.methods.ms_mgans import (
    MultiStageDistiller as MultiStageDistiller,
)
from keras_artkd.distillers.registry import build as build
from keras_artkd.distillers.schedules import LinearWarmup as LinearWarmup
from keras_artkd.distillers.schedules import Stages as Stages
