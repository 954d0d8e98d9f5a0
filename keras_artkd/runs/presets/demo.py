"""The main job on `atelier`, paintings that the package makes itself.

  artkd train --recipe demo --minutes 4

Expert and student begin with what ImageNet has taught them, as with `artkd
train FOLDER`.
"""

from keras_artkd.runs.presets.folder import PRETRAINED

CONFIG = PRETRAINED.replace(
    recipe="demo", dataset="atelier", data_options={"scenes": 160}
)
