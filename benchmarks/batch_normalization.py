"""A step of training with this package's batch normalisation and with Keras's.

    python -m benchmarks.batch_normalization

KD from WRN-40-2 to WRN-16-2 at 32 pixels in mixed bfloat16, one batch again and
again. Rounds alternate between the two. Quote the ratio.
"""

import argparse

import numpy as np

from benchmarks.against_pytorch import Training
from keras_artkd.layers import BatchNormalization

OURS = BatchNormalization.call


def of_keras(self, inputs, training=None, mask=None):
    """Keras's own call."""
    return super(BatchNormalization, self).call(inputs, training, mask)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    trainings = {}
    for name, call in (("Keras's", of_keras), ("keras_artkd's", OURS)):
        # The step is traced while this is the layers' call.
        BatchNormalization.call = call
        trainings[name] = Training(args.precision, args.batch_size)
        trainings[name].run(2)
    rates = {name: [] for name in trainings}
    for _ in range(args.rounds):
        for name, training in trainings.items():
            seconds = training.run(args.steps)
            rates[name].append(args.steps * args.batch_size / seconds)
    for name, values in rates.items():
        ratios = np.divide(values, rates["Keras's"])
        print(
            f"{name:14} {np.median(values):7.1f} images/s, "
            f"{np.median(ratios):.2f} of Keras's "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
