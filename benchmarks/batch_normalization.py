"""Steps of training with this package's batch normalisation and with Keras's.

    python -m benchmarks.batch_normalization

One batch again and again: KD from WRN-40-2 to WRN-16-2 at 32 pixels, whose
student learns its statistics; and the default student at 96 pixels, which keeps
those that it inherits, alone and with its expert at 128 in each step. Then
answers of networks as they are, with nothing folded. Rounds alternate between
the two of a pair. Quote the ratios.
"""

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks.against_pytorch import OURS, Training
from keras_artkd import Distiller, losses, models
from keras_artkd.data.prefetching import prefetched
from keras_artkd.distillers import roles
from keras_artkd.layers import BatchNormalization

CLASSES, BATCH_SIZE = 17, 32
OWN_CALL, OWN_FOLD = BatchNormalization.call, roles.fold


def keras_call(self, inputs, training=None, mask=None):
    """Keras's own call."""
    return super(BatchNormalization, self).call(inputs, training, mask)


def not_folded(inputs, outputs, trained=False):
    """The graph with its layers one by one."""
    return keras.Model(inputs, outputs)


class Inheriting:
    """The default student with kept statistics, of random weights."""

    def __init__(self, side, expert=None, student="medium"):
        student = models.build(student, CLASSES, (96, 96, 3))
        models.freeze_batch_norm(student)
        taught = {}
        if expert:
            teacher = models.build(expert, CLASSES, (side, side, 3))
            taught = {
                "teachers": {"expert": teacher},
                "transfer_losses": [losses.KD()],
            }
        self.distiller = Distiller(student, **taught)
        self.distiller.compile(keras.optimizers.AdamW(5e-4))
        random = np.random.default_rng(0)
        images = random.uniform(0, 255, (BATCH_SIZE, side, side, 3))
        self.batch = (
            tf.constant(images, "float32"),
            tf.constant(random.integers(CLASSES, size=BATCH_SIZE)),
        )

    def run(self, steps):
        """Seconds of as many steps."""
        data = tf.data.Dataset.from_tensors(self.batch).repeat(steps)
        start = time.perf_counter()
        self.distiller.fit(prefetched(data), verbose=0, shuffle=False)
        return time.perf_counter() - start


class Answering:
    """A network that answers to a batch, with nothing folded."""

    def __init__(self, name, side):
        network = models.build(name, CLASSES, (side, side, 3))
        self.answer = tf.function(lambda images: network(images))
        random = np.random.default_rng(0)
        images = random.uniform(0, 255, (BATCH_SIZE, side, side, 3))
        self.images = tf.constant(images, "float32")

    def run(self, steps):
        """Seconds of as many answers."""
        start = time.perf_counter()
        for _ in range(steps):
            self.answer(self.images)
        return time.perf_counter() - start


ANSWERING = {
    "efficientnet_lite0_first8": 96,
    "wrn_16_2": 32,
    "resnet32x4": 32,
    "mobilenet_v2": 64,
    "shufflenet_v1": 32,
}
PAIRS = {
    **{f"WRN, {way}": lambda way=way: Training(way, 64) for way in OURS},
    "default student": lambda: Inheriting(96),
    "with its expert": lambda: Inheriting(128, "efficientnet_lite0"),
    **{
        f"answers, {name}": lambda pair=(name, side): Answering(*pair)
        for name, side in ANSWERING.items()
    },
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pairs", nargs="+", default=list(PAIRS))
    args = parser.parse_args()
    for name in args.pairs:
        trainings = []
        for call, fold in ((keras_call, not_folded), (OWN_CALL, OWN_FOLD)):
            # The step is traced while these are in place.
            BatchNormalization.call, roles.fold = call, fold
            trainings.append(PAIRS[name]())
            trainings[-1].run(2)
        seconds = [
            [training.run(args.steps) for training in trainings]
            for _ in range(args.rounds)
        ]
        of_keras, own = np.transpose(seconds) / args.steps * 1000
        ratios = of_keras / own
        print(
            f"{name:34} {np.median(of_keras):6.1f} ms a step with Keras's, "
            f"{np.median(own):6.1f} with this package's: "
            f"{np.median(ratios):.2f} times as fast "
            f"({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
