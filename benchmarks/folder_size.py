"""How the cost of a folder grows with its images.

    python -m benchmarks.folder_size --folder FOLDER 1000 10000 100000

Makes folders of JPEGs of 96 pixels in 20 classes below FOLDER (4 kB each, no
two alike; once), and for each number measures, in a process of its own: reading
it as `artkd train` does at 64 pixels, the same again, and the first batches of
an epoch. Seconds are of a core, so that other programs disturb them little.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import time

from benchmarks.generated_images import jpeg, picture
from keras_artkd import datasets

_CLASSES, _SIDE, _BATCHES = 20, 96, 50


def make_folder(folder, count):
    """Writes what is missing of `count` pictures."""
    if (folder / "whole").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        place = folder / "images" / f"class{number % _CLASSES:02d}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = picture(_SIDE, _SIDE, number)
        (place / f"{number:07d}.jpg").write_bytes(jpeg(pixels))
    (folder / "whole").touch()


def timed(do):
    """What `do` returns, and seconds of all cores that it takes."""
    start = time.process_time()
    return do(), time.process_time() - start


def peak():
    """The most memory that was resident, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder, count):
    """A row of the table."""

    def load():
        return datasets.load(
            "folder", data_dir=folder / "images", short_side=72
        )

    data, first = timed(load)
    resident = peak()
    del data
    data, second = timed(load)

    from keras_artkd.data.pipeline import training_dataset

    def read():
        batches = training_dataset(data.train, 64, 64, seed=0, epochs=1)
        return sum(len(labels) for _, labels in batches.take(_BATCHES))

    read()
    images, used = timed(read)
    print(
        f"| {count:,} | {first:.1f} s | {second:.1f} s | {resident:,.0f} MB | "
        f"{1e6 * used / images:.0f} us |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="+")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        (count,) = args.images
        measure(args.folder / str(count), count)
        return
    print(
        "| images | reading | again | peak of memory | an image of a batch |\n"
        "| ---: | ---: | ---: | ---: | ---: |",
        flush=True,
    )
    for count in args.images:
        make_folder(args.folder / str(count), count)
        command = [sys.executable, "-m", "benchmarks.folder_size", "--part"]
        command += ["--folder", str(args.folder), str(count)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
