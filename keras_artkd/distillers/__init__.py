"""The distiller, and the published methods built on it."""

from keras_artkd.distillers.collaborative import (
    CollaborativeTeaching as CollaborativeTeaching,
)
from keras_artkd.distillers.distiller import Distiller as Distiller
from keras_artkd.distillers.registry import METHODS as METHODS
from keras_artkd.distillers.registry import build as build
from keras_artkd.distillers.registry import get_method as get_method
from keras_artkd.distillers.schedules import LinearWarmup as LinearWarmup
from keras_artkd.distillers.schedules import Stages as Stages
