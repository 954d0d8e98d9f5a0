"""Data sets of labelled images, decoded and split without leaks."""

from keras_artkd.datasets.collection import Collection as Collection
from keras_artkd.datasets.loaders import LOADERS as LOADERS
from keras_artkd.datasets.loaders import check_request as check_request
from keras_artkd.datasets.loaders import load as load
from keras_artkd.datasets.loaders import load_folds as load_folds
from keras_artkd.datasets.records import Skipped as Skipped
from keras_artkd.datasets.request import LoadRequest as LoadRequest
