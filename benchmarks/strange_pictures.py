"""How well an expert tells unrelated pictures from images of its own kind.

    artkd train FOLDER --unlabelled 0.8 --epochs 8 --expert-epochs 30
    python -m benchmarks.strange_pictures EXPERT/student.keras FOLDER

EXPERT is the run of the expert, which the first command prints. Asked about are
the images whose labels are hidden, and beside them photographs (crops of those
that scikit-image and scikit-learn bring along), charts, pages of text and
generated patterns. For several scores it prints how well they tell the two
apart (the area under the ROC curve), and what is left out of each kind by the
limit that keeps 95 % of the validation images. Needs scikit-image.
"""

import argparse
import io
import pathlib

import keras
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from sklearn.metrics import roc_auc_score

from keras_artkd.data.images import read_image
from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import load
from keras_artkd.measure.metrics import softmax
from keras_artkd.runs.domain import answers, neighbour_distances

_EACH = 40
_CROPS = 6
# Drawings and such, of the pictures that scikit-image brings along.
_NO_PHOTOGRAPHS = {
    *("logo", "page", "text", "color", "clock_motion"),
    *("chessboard_GRAY", "chessboard_RGB", "horse", "phantom"),
}
_WORDS = (
    "the of a to invoice museum date object page total width signed".split()
)


def photographs(random):
    """Square crops of photographs, uint8."""
    import skimage
    import sklearn

    folders = (
        pathlib.Path(skimage.__file__).parent / "data",
        pathlib.Path(sklearn.__file__).parent / "datasets" / "images",
    )
    for folder in folders:
        for file in sorted([*folder.glob("*.png"), *folder.glob("*.jpg")]):
            with Image.open(file) as opened:
                image = opened.convert("RGB")
            if file.stem in _NO_PHOTOGRAPHS or min(image.size) < 200:
                continue
            for _ in range(_CROPS):
                side = int(min(image.size) * random.uniform(0.45, 1))
                left, top = (
                    int(random.integers(0, length - side + 1))
                    for length in image.size
                )
                box = (left, top, left + side, top + side)
                yield np.asarray(image.crop(box).resize((200, 200)))


def charts(random):
    """Curves, bars, points and sectors, uint8."""
    for number in range(_EACH):
        figure = Figure((3, 2.5), dpi=80)
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        if number % 4 == 0:
            axes.plot(random.normal(size=(30, 3)).cumsum(0))
        elif number % 4 == 1:
            axes.bar(range(6), random.random(6))
        elif number % 4 == 2:
            axes.scatter(*random.normal(size=(2, 80)), c=random.random(80))
        else:
            axes.pie(random.random(5))
        axes.set_title(f"Figure {number}")
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3]


def pages(random):
    """Pages of text, uint8."""
    for _ in range(_EACH):
        paper = tuple(random.integers(225, 256, 3).tolist())
        image = Image.new("RGB", (240, 320), paper)
        draw = ImageDraw.Draw(image)
        for top in range(10, 310, 14):
            line = " ".join(random.choice(_WORDS, random.integers(3, 8)))
            draw.text((10, top), line, fill=(20, 20, 30))
        yield np.asarray(image)


def patterns(random):
    """Noise, fields of colour, gradients and plain areas, uint8."""
    ramp = np.tile(np.linspace(0, 255, 200), (200, 1))
    for number in range(_EACH):
        if number % 4 == 0:
            pixels = random.integers(0, 256, (200, 200, 3))
        elif number % 4 == 1:
            fields = random.integers(0, 256, (5, 5, 3))
            pixels = fields.repeat(40, axis=0).repeat(40, axis=1)
        elif number % 4 == 2:
            plain = np.full((200, 200), random.integers(256))
            pixels = np.stack([ramp, ramp.T, plain], axis=-1)
        else:
            pixels = random.integers(0, 253, 3) + random.integers(
                0, 4, (200, 200, 3)
            )
        yield pixels.astype("uint8")


KINDS = {
    "photographs": photographs,
    "charts": charts,
    "pages": pages,
    "patterns": patterns,
}


def at_short_side(pixels, short_side):
    """Pixels as `read_image` gives them."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return read_image(stream.getvalue(), short_side)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("expert", help=".keras file of the expert")
    parser.add_argument("folder", help="images that it was trained on")
    parser.add_argument("--unlabelled", type=float, default=0.8)
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=128)
    arguments = parser.parse_args()

    expert = keras.models.load_model(arguments.expert)
    side = arguments.image_size
    short_side = round(1.125 * side)
    data = load(
        "folder",
        arguments.folder,
        short_side=short_side,
        unlabelled=arguments.unlabelled,
        split_seed=arguments.split_seed,
    )
    random = np.random.default_rng(0)
    images, kinds = [], []
    for kind, make in KINDS.items():
        for pixels in make(random):
            images.append(at_short_side(pixels, short_side))
            kinds.append(kind)
    others = ImageStore.from_images(images, np.zeros(len(images)), kinds)
    known = answers(expert, data.train, side)[1]
    kinds = np.array(["own"] * len(data.unlabelled) + kinds)
    asked = [
        np.concatenate(pair)
        for pair in zip(
            answers(expert, data.unlabelled, side),
            answers(expert, others, side),
            strict=True,
        )
    ]
    held_out = answers(expert, data.validation, side)
    scores = {
        f"neighbour {k}": lambda _, features, k=k: neighbour_distances(
            known, features, k
        )
        for k in (1, 2, 5, 10)
    }
    scores["1 - confidence"] = lambda logits, _: 1 - softmax(logits).max(1)
    scores["energy"] = lambda logits, _: -np.log(np.exp(logits).sum(1))
    counts = [f"{(kinds == kind).sum()} {kind}" for kind in ("own", *KINDS)]
    print(f"left out of {', '.join(counts)}:")
    for name, score in scores.items():
        limit = np.quantile(score(*held_out), 0.95, method="higher")
        values = score(*asked)
        area = roc_auc_score(kinds != "own", values)
        shares = [
            f"{(values > limit)[kinds == kind].mean():6.1%}"
            for kind in ("own", *KINDS)
        ]
        print(f"{name:15} area {area:.3f}  {'  '.join(shares)}")


if __name__ == "__main__":
    main()
