"""Your own images: a folder with one sub-folder a class.

artkd train FOLDER
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="folder", dataset="folder")
