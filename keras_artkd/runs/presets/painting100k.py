"""MultitaskPainting100k: 125 styles, as thesis 000 trains it.

    artkd train --recipe painting100k --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/archives/multitask_painting100k/README.md` says where to
get it.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="painting100k", dataset="multitask_painting100k")
