"""Tiny ImageNet: 200 classes at 32 pixels, as thesis 002 trains it.

    artkd train --recipe tiny_imagenet --data-dir ARCHIVE
    artkd train --recipe tiny_imagenet --data-dir ARCHIVE --student densenet121

ARCHIVE is the folder that the archive was unpacked into;
`keras_artkd/datasets/archives/tiny_imagenet/README.md` says where to get it.
Its `val/` is the test. A tenth of the training images is held out to choose the
best epoch; the thesis holds out none.

The schedule is that of tables 4.7 to 4.9, 4.13, 4.14 and 4.16 to 4.19: 250
epochs of batches of 128, the learning rate 0.1 divided by 10 after 100 and
150. They have the last epoch's accuracy, the mean of three runs (--seed 0, 1
and 2). Of the images' size the thesis says nothing. FRSKD and CS-KD, which it
compares, resize 64 pixels to 32 and crop up to four over the edges; here they
are resized to 36 and cropped to 32.
"""

from keras_artkd.runs.config import Config
from keras_artkd.runs.presets._thesis_002 import SCHEDULE

CONFIG = Config.of(
    recipe="tiny_imagenet",
    dataset="tiny_imagenet",
    image_size=32,
    **SCHEDULE,
)
