"""ImageNet (ILSVRC2012): ResNet-34 teaches ResNet-18.

    artkd train --recipe imagenet --data-dir FOLDER

FOLDER holds the official archives, or the data as TensorFlow Datasets has
prepared them; without it they are looked for in its own directory. The
schedule is mdistiller's: 100 epochs of batches of 512, the learning rate 0.2
divided by 10 after 30, 60 and 90, weight decay 1e-4; KD at temperature 1 with
alpha 0.5, DKD at temperature 1 with beta 0.5, warm-ups of one epoch. (It has
ReviewKD and CRD in batches of 256 at 0.1.) Paper 001 names none for ImageNet.
The 50,000 validation images are the test; some of the training images choose
the epoch.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(
    recipe="imagenet",
    dataset="imagenet",
    image_size=224,
    method="dkd",
    published_options={
        "kd": {"temperature": 1.0, "alpha": 0.5},
        "dkd": {"temperature": 1.0, "beta": 0.5, "warmup": 1.0},
        "reviewkd": {"beta": 1.0, "warmup": 1.0},
        # MMRazor's, of these two networks.
        "dist": {"beta": 2.0, "gamma": 2.0},
        # Nobody says; the warm-up is that of DKD, which it extends.
        "pr_dkd": {"warmup": 1.0},
    },
    student="resnet18",
    expert_network="resnet34",
    initial="resnet34",
    epochs=100,
    batch_size=512,
    learning_rate=0.2,
    drops=(0.3, 0.6, 0.9),
    drop_factor=0.1,
    weight_decay=1e-4,
)
