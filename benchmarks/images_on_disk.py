"""What images cost that are too many for memory: time, memory and disk.

    python -m benchmarks.images_on_disk --folder FOLDER

Generates pictures (no decoder is timed), keeps them in FOLDER, finds them there
again, reads a pass of the training pipeline, and trains the default student for
some steps. Every part is a process of its own, and prints its peak of resident
memory. 100,000 pictures of 224 pixels take 15 GB of FOLDER.
"""

import argparse
import functools
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.generated_images import picture
from keras_artkd.datasets.image_cache import ImageCache, Source
from keras_artkd.datasets.records import Record, read_records

PARTS = ("keep", "again", "pipeline", "train")
_CLASSES = 10
_PICTURES = 100
# That of `artkd train FOLDER`.
_STUDENT = "efficientnet_lite0_first8"


@functools.cache
def _base(side, number):
    return picture(side, side, number)


def generated(number, side):
    """A picture for every number: one of some, moved and changed."""
    number = int(number)
    shift = number // _PICTURES
    moved = np.roll(_base(side, number % _PICTURES), shift % side, axis=1)
    return moved ^ np.uint8(shift // side)


def images(folder, count, side):
    """The `ImageStore` of all pictures."""
    names = [f"{number:06d}" for number in range(count)]
    records = (Record(n, n, int(n) % _CLASSES, n) for n in names)
    source = Source(["generated", count], count)
    cache = ImageCache(folder)
    store, *_ = read_records(
        records, side, read=generated, cache=cache, source=source
    )
    return store


def read_pass(store, side, most):
    """Reads batches of the training pipeline."""
    from keras_artkd.data.pipeline import training_dataset

    count, batches = 0, training_dataset(store, side, 32, seed=0, epochs=1)
    start, cpu = time.perf_counter(), time.process_time()
    for _, labels in batches:
        count += len(labels)
        if count >= most:
            break
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    print(
        f"  {count:,} images: {count / wall:.0f} a second, "
        f"{1e6 * used / count:.0f} us of a core each"
    )


def train(store, side, steps, batch_size):
    """Trains the default student."""
    import keras

    from keras_artkd import models
    from keras_artkd.data.pipeline import training_dataset

    student = models.build(_STUDENT, _CLASSES, (side, side, 3))
    student.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    batches = training_dataset(store, side, batch_size, seed=0, epochs=1)
    student.fit(batches, steps_per_epoch=2, verbose=0)  # Traces the graph.
    start, cpu = time.perf_counter(), time.process_time()
    student.fit(batches, steps_per_epoch=steps, verbose=0)
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    count = steps * batch_size
    print(
        f"  {steps} steps of {batch_size}: {count / wall:.1f} images a second, "
        f"{1e6 * used / count:.0f} us of a core each"
    )


def run(part, args):
    start, cpu = time.perf_counter(), time.process_time()
    store = images(args.folder, args.images, args.side)
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    print(
        f"{part}: {len(store):,} images "
        f"{'in memory' if store.in_memory else 'on disk'} after {wall:.1f} s "
        f"({used:.1f} s of a core)"
    )
    if part == "pipeline":
        read_pass(store, args.side, args.read)
    if part == "train":
        train(store, args.side, args.steps, args.batch_size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux has kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    print(f"  at most {peak * unit / 1e6:,.0f} MB resident", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--read", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--part", choices=PARTS)
    args = parser.parse_args()
    if args.part:
        run(args.part, args)
        return
    for part in PARTS:
        command = [sys.executable, "-m", "benchmarks.images_on_disk"]
        command += [*sys.argv[1:], "--part", part]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
