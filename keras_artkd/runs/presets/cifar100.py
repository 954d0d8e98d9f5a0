"""CIFAR-100, with every method and pair of networks of paper 001.

    artkd train --recipe cifar100 --method pr_dkd --data-dir FILE.npz
    artkd train --recipe cifar100 --method dkd --student shufflenet_v1
    artkd train --recipe cifar100 --preset self_distillation

Without --data-dir it comes from TensorFlow Datasets. For a quick study
--data-options classes 20 per_class 250 takes the first 20 classes and 250
training images of each. A tenth of the training images is held out to choose
the best epoch; the test gives its accuracy and the last epoch's, which is what
the literature reports.

--preset common (the default): 240 epochs of batches of 64, the learning rate
divided by 10 after 150, 180 and 210, as RepDistiller and mdistiller have it.
--preset paper: 270 epochs of batches of 256, divided after 150, 180, 210 and
240. --preset paper_decay: the same, multiplied by 0.01 each time, as paper 001
prints it for ResNets, surely by mistake (here for whatever is trained). All
begin at 0.05, and at 0.01 where the student is a MobileNet or a ShuffleNet;
DKD's beta and ReviewKD's weight are those published for the pair of networks,
unless the expert is a file (--expert).

--preset self_distillation: skdsam on a ResNet-18, 250 epochs of batches of
128, the learning rate 0.1 divided by 10 after 100 and 150, as thesis 002 has
it for all of its methods and networks (tables 4.3 to 4.21), whose last epoch
counts, the mean of three runs (--seed 0, 1 and 2).

Every other flag goes over the preset's values.
"""

from keras_artkd.runs.config import Config
from keras_artkd.runs.presets._thesis_002 import SCHEDULE

# Where they are not the methods' defaults: DKD's of mdistiller, ReviewKD's of
# its authors' scripts.
PUBLISHED_OPTIONS = {
    "dkd resnet56 resnet20": {"beta": 2.0},
    "dkd resnet110 resnet32": {"beta": 2.0},
    "dkd wrn_40_2 wrn_16_2": {"beta": 6.0},
    "dkd wrn_40_2 wrn_40_1": {"beta": 6.0},
    "dkd vgg13 vgg8": {"beta": 6.0},
    "dkd vgg13 mobilenet_v2": {"beta": 6.0},
    "reviewkd wrn_40_2 wrn_16_2": {"beta": 5.0},
    "reviewkd wrn_40_2 wrn_40_1": {"beta": 5.0},
    "reviewkd wrn_40_2 shufflenet_v1": {"beta": 5.0},
    "reviewkd resnet32x4 resnet8x4": {"beta": 5.0},
    "reviewkd resnet32x4 shufflenet_v1": {"beta": 5.0},
    "reviewkd resnet32x4 shufflenet_v2": {"beta": 8.0},
    "reviewkd resnet56 resnet20": {"beta": 0.6},
}
RATES = {
    "mobilenet_v2": 0.01,
    "shufflenet_v1": 0.01,
    "shufflenet_v2": 0.01,
    "": 0.05,
}


def _drops_after(epochs: int, *after: int) -> tuple[float, ...]:
    return tuple(epoch / epochs for epoch in after)


CONFIG = Config.of(
    recipe="cifar100",
    dataset="cifar100",
    image_size=32,
    keep_size=True,
    method="pr_dkd",
    published_options=PUBLISHED_OPTIONS,
    epochs=240,
    batch_size=64,
    learning_rate=None,
    published_rates=RATES,
    drops=_drops_after(240, 150, 180, 210),
    drop_factor=0.1,
)
PAPER = CONFIG.replace(
    epochs=270,
    batch_size=256,
    drops=_drops_after(270, 150, 180, 210, 240),
)
PRESETS = {
    "common": CONFIG,
    "paper": PAPER,
    "paper_decay": PAPER.replace(drop_factor=0.01),
    "self_distillation": CONFIG.replace(**SCHEDULE),
}
