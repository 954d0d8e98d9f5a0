"""Pandora18k: 18,038 paintings, 18 styles, as thesis 000 trains it.

    artkd train --recipe pandora --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/archives/pandora18k/README.md` says where to get it.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="pandora", dataset="pandora18k")
