"""Images a second of the input pipeline, of decoding and of cropping.

    python -m benchmarks.pipeline

Needs no data: it decodes JPEGs of random texture, made in memory.
"""

import argparse
import io
import time

import numpy as np
from PIL import Image

from keras_artkd.data.images import read_image
from keras_artkd.data.pipeline import training_dataset
from keras_artkd.data.store import ImageStore


def jpeg(side, seed):
    """A JPEG of smooth noise, as bytes."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (side // 8, side // 6, 3), dtype="uint8")
    image = Image.fromarray(small).resize((side * 4 // 3, side))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=128)
    args = parser.parse_args()

    short_side = round(1.125 * args.image_size)
    for side in (256, 2000):
        files = [jpeg(side, seed) for seed in range(4)]
        seconds = {}
        for target in (short_side, None):
            start = time.perf_counter()
            for _ in range(5):
                images = [read_image(data, target) for data in files]
            seconds[target] = (time.perf_counter() - start) / 5 / len(files)
        print(
            f"decode {side}-pixel JPEG to {short_side}: "
            f"{1 / seconds[short_side]:.0f} images/s, "
            f"{seconds[None] / seconds[short_side]:.1f} times a full decode"
        )
    images = [read_image(jpeg(256, 0), short_side)] * 2048
    store = ImageStore.from_images(images, np.zeros(2048), [""] * 2048)
    data = training_dataset(store, args.image_size, args.batch_size, 0, 8)
    start = time.perf_counter()
    count = sum(len(labels) for _, labels in data)
    rate = count / (time.perf_counter() - start)
    print(f"shuffle, crop, mirror, batch: {rate:.0f} images/s")


if __name__ == "__main__":
    main()
