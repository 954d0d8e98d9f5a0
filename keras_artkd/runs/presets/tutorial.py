"""Tutorial 004, done right: pseudo-labels of a ResNet-18 for a MobileNetV2.

    artkd train --recipe tutorial --data-dir FILE.npz
    artkd train --recipe tutorial --method equation --unlabelled 0
    artkd train --recipe tutorial --preset as_printed

CIFAR-10, without --data-dir from TensorFlow Datasets, with the tutorial's
settings: 25 epochs of batches of 100, SGD with momentum 0.9 at a constant 0.001
for the teacher and 0.01 for the student, no weight decay, no augmentation, and
torchvision's networks, which keep ImageNet's stem on 32 pixels, so that their
last map has a single one (--stem small gives them more to see).

The tutorial names three steps: train a teacher, have it label new data, train
a student on these labels. Here half of the training images do without their
labels (--unlabelled), and the expert labels them: --method pseudo_soft (its
softmax), pseudo_hard (its likeliest class), equation or mixed.

What the tutorial's code and text do instead:

- It never distils. Pseudo-labels are not made, and the student trains on the
  true labels of the same images: --preset as_printed, which is --method
  baseline on all of them.
- Its "new data" (section 4.3) is the test set. Had its loop kept the
  predictions, the student would have been trained on what it is tested with.
  Here what is labelled is a part of train, or a folder of your own
  (--unlabelled-dir), checked by content against validation and test.
- The first term of its equation, L(teacher, y), has no student in it. --method
  equation has CE(y, student) there.
- It asks for a small temperature. Such a softmax is nearly its likeliest class;
  Hinton's temperature is above 1, so that more than one class shows. Targets
  here are at 1 (--options temperature 4), and `--method kd` is Hinton's.
- `device` is undefined, nothing is held out to choose by, and the student is
  never tested. Here a tenth of train chooses the epoch, and the test gives its
  accuracy and the last epoch's.

It differs from the tutorial in what all networks here have: pixels are scaled
to [-2, 2], twice as far as its [-1, 1], convolutions start as He's, and there
is no dropout before the classifier.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(
    recipe="tutorial",
    dataset="cifar10",
    image_size=32,
    keep_size=True,
    unlabelled=0.5,
    method="pseudo_soft",
    student="mobilenet_v2_x1_0",
    stem="imagenet",
    expert_network="resnet18",
    expert_learning_rate=0.001,
    crop_and_mirror=False,
    epochs=25,
    batch_size=100,
    learning_rate=0.01,
    drops=(),
    momentum=0.9,
    weight_decay=0.0,
)
PRESETS = {
    "pseudo_labels": CONFIG,
    "as_printed": CONFIG.replace(method="baseline", unlabelled=0.0),
}
