"""WikiArt: 81,446 paintings, 27 styles, as thesis 000 trains it.

    artkd train --recipe wikiart --data-dir ARCHIVE

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/archives/wikiart/README.md` says where to get it.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="wikiart", dataset="wikiart")
