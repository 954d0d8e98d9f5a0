"""Your own images: a folder with one sub-folder a class.

  artkd train FOLDER

Expert and student begin with what ImageNet has taught them. Their number of
epochs is chosen for the images and this machine, to keep to --minutes.
With images that have no labels, in --unlabelled-dir OTHERS or in a folder
unlabelled/ of FOLDER, the student learns what the expert says of them, too.
--recipe-style thesis trains as thesis 000 does, from random weights.
"""

from keras_artkd.runs.config import Config

# What it reaches on paintings is in docs/results.md.
PRETRAINED = Config.of(
    recipe="folder",
    dataset="folder",
    method="baseline",
    student="efficientnet_lite0_first8",
    image_size=96,
    inherit="auto",
    # Of an AWGram head: of norm 1, the thesis's, it hardly learns from
    # inherited maps.
    feature_scale=8.0,
    initial="efficientnet_lite0_first8",
    initial_weights="auto",
    expert_network="efficientnet_lite0",
    expert_head="levels",
    expert_train="auto",
    expert_weights="auto",
    expert_image_size=128,
    freeze_batch_norm=True,
    fit_head_first=True,
    # 0 is chosen, see `keras_artkd.runs.budget`.
    epochs=0,
    batch_size=32,
    optimizer="adamw",
    learning_rate=5e-4,
    rate_decay="cosine",
    # Otherwise the first steps undo the fitted classifier.
    warmup=0.1,
    weight_decay=0.02,
    label_smoothing=0.1,
    keep_epoch="last_unless_worse",
)
# What changes where some images have no labels, unless a method is named: the
# expert is worth listening to there (docs/results.md).
UNLABELLED = {"method": "unlabelled", "expert_views": 8}
# What studies begin with.
CONFIG = Config.of(recipe="folder", dataset="folder")
PRESETS = {"pretrained": PRETRAINED, "thesis": CONFIG}
WITH_UNLABELLED = {"pretrained": UNLABELLED}
