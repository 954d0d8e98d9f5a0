"""Ways to keep decoded images on disk: how each is read at random.

    python -m benchmarks.image_storage --folder FOLDER

Every road gives the same shuffled batches to a `tf.data` pipeline, in a process
of its own. Grain is measured where it is installed (`pip install grain`).
`docs/scale.md` has what came out.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

from benchmarks.generated_images import jpeg, picture

_BATCH = 64
_ROADS = ("memory", "memmap", "read", "jpeg", "grain")


def write(folder, count, side):
    """Writes the images in each form; prints what each takes."""
    seconds = dict.fromkeys(("raw", "jpeg", "array_record"), 0.0)
    places = [0]
    arrays = _array_record_writer(folder / "images.array_record")
    with (
        open(folder / "images.raw", "wb") as raw,
        open(folder / "images.jpegs", "wb") as jpegs,
    ):
        for seed in range(count):
            pixels = picture(side, side, seed)
            start = time.perf_counter()
            raw.write(pixels.data)
            seconds["raw"] += time.perf_counter() - start
            encoded = jpeg(pixels)
            jpegs.write(encoded)
            places.append(places[-1] + len(encoded))
            if arrays is not None:
                start = time.perf_counter()
                arrays.write(pixels.tobytes())
                seconds["array_record"] += time.perf_counter() - start
    if arrays is not None:
        arrays.close()
    np.save(folder / "places.npy", places)
    for path in sorted(folder.glob("images.*")):
        took = seconds.get(path.suffix[1:])
        each = path.stat().st_size / count / 1000
        written = f", written in {took:.1f} s" if took else ""
        print(f"{path.name}: {each:.0f} kB an image{written}")


def _array_record_writer(path):
    try:
        from array_record.python.array_record_module import ArrayRecordWriter
    except ImportError:
        return None
    return ArrayRecordWriter(str(path), "group_size:1,uncompressed")


def batches(road, folder, count, side):
    """A dataset of uint8 batches in random order."""
    import tensorflow as tf

    order = np.random.default_rng(0).permutation(count)
    order = order[: count // _BATCH * _BATCH].reshape(-1, _BATCH)
    steps = tf.data.Dataset.from_tensor_slices(order)
    size, shape = side * side * 3, (_BATCH, side, side, 3)
    path = folder / "images.raw"

    def mapped(read):
        def batch(indices):
            images = tf.numpy_function(read, [indices], "uint8")
            return tf.ensure_shape(images, shape)

        return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE)

    if road == "memory":
        pixels = tf.constant(np.fromfile(path, "uint8").reshape(-1, *shape[1:]))
        return steps.map(
            lambda indices: tf.gather(pixels, indices),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    if road == "memmap":
        mapping = np.memmap(path, "uint8", "r", shape=(count, *shape[1:]))
        return mapped(lambda indices: mapping[indices])
    if road == "read":
        file = os.open(path, os.O_RDONLY)

        def read(indices):
            images = np.empty(shape, "uint8")
            for row, index in enumerate(indices):
                os.preadv(file, [images[row].data], int(index) * size)
            return images

        return mapped(read)
    if road == "jpeg":
        file = os.open(folder / "images.jpegs", os.O_RDONLY)
        places = np.load(folder / "places.npy")

        def encoded(index):
            start, stop = places[index], places[index + 1]
            return os.pread(file, int(stop - start), int(start))

        def image(index):
            data = tf.numpy_function(encoded, [index], "string")
            return tf.ensure_shape(tf.io.decode_jpeg(data, 3), shape[1:])

        return (
            steps.unbatch()
            .map(image, num_parallel_calls=tf.data.AUTOTUNE)
            .batch(_BATCH)
        )
    return _grain_batches(folder, shape)


def _grain_batches(folder, shape):
    import grain
    import tensorflow as tf

    def decode(record):
        return np.frombuffer(record, "uint8").reshape(shape[1:])

    source = grain.sources.ArrayRecordDataSource(
        str(folder / "images.array_record")
    )
    images = (
        grain.MapDataset.source(source)
        .shuffle(seed=0)
        .map(decode)
        .batch(_BATCH, drop_remainder=True)
    ).to_iter_dataset(grain.ReadOptions(num_threads=4, prefetch_buffer_size=4))
    return tf.data.Dataset.from_generator(
        lambda: iter(images), output_signature=tf.TensorSpec(shape, "uint8")
    )


def measure(road, folder, count, side):
    """Prints images a second and resident memory of one road."""
    import psutil
    import tensorflow as tf

    def resident():
        return psutil.Process().memory_info().rss / 1e6

    dataset = batches(road, folder, count, side).map(
        lambda images: tf.cast(images, "float32"),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    dataset = dataset.prefetch(tf.data.AUTOTUNE)
    for when in ("from the disk", "again"):
        if when == "from the disk":
            for path in folder.glob("images.*"):
                _forget(path)
        start, cpu = time.perf_counter(), time.process_time()
        for _ in dataset:
            pass
        took = time.perf_counter() - start
        used = (time.process_time() - cpu) / count * 1e6
        print(
            f"{road:7} {when:13} {count / took:7.0f} images/s, "
            f"{used:5.0f} us of a core an image, {resident():6.0f} MB resident",
            flush=True,
        )


def _forget(path):
    """Has the system forget what it keeps of a file in memory."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--road", choices=_ROADS)
    args = parser.parse_args()
    what = args.folder, args.images, args.side
    if args.road:
        measure(args.road, *what)
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    if not (args.folder / "places.npy").exists():
        write(*what)
    for road in _ROADS:
        command = [sys.executable, "-m", "benchmarks.image_storage"]
        command += ["--folder", str(args.folder), "--images", str(args.images)]
        command += ["--side", str(args.side), "--road", road]
        subprocess.run(command, check=False)


if __name__ == "__main__":
    main()
