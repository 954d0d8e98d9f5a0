"""Painted scenes in many styles, made here: no download, no copyright.

Every scene exists in every style. The subject of a painting therefore says
nothing about the label, and its technique says everything.
"""

from keras_artkd.datasets.atelier.generate import (
    contact_sheet as contact_sheet,
)
from keras_artkd.datasets.atelier.generate import generate as generate
from keras_artkd.datasets.atelier.painting import paint as paint
from keras_artkd.datasets.atelier.styles import STYLES as STYLES
from keras_artkd.datasets.atelier.subjects import SUBJECTS as SUBJECTS
