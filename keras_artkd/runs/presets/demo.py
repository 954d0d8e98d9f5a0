"""The main job on `atelier`, paintings that the package makes itself.

  artkd train --recipe demo --minutes 4

Expert and student begin with what ImageNet has taught them, as with `artkd
train FOLDER`.
"""

from keras_artkd.runs.presets.folder import PRETRAINED, UNLABELLED

OPEN = PRETRAINED.replace(
    recipe="demo", dataset="atelier", data_options={"scenes": 160}
)
# What studies begin with.
CONFIG = OPEN.replace(epochs=8, expert_epochs=12)
PRESETS = {"open": OPEN, "fixed": CONFIG}
WITH_UNLABELLED = dict.fromkeys(PRESETS, UNLABELLED)
