"""Atelier: paintings that the package paints itself, nothing to download.

artkd train --recipe atelier
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="atelier", dataset="atelier")
