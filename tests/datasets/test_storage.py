"""Images as the builders of archives keep them."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_artkd.data.images import UnreadableImage, read_image
from keras_artkd.datasets.archives.storage import stored_image


def test_stored_images_are_small_upright_rgb(tmp_path):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 6, 3), dtype="uint8")
    image = Image.fromarray(coarse).resize((540, 360), Image.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    cases = {
        "big.jpg": (image, {}, (256, 384)),
        "big.png": (image, {}, (256, 384)),
        "cmyk.jpg": (image.resize((90, 60)).convert("CMYK"), {}, (60, 90)),
        "turned.jpg": (image.resize((90, 60)), {"exif": exif}, (90, 60)),
        "clear.png": (image.resize((90, 60)).convert("RGBA"), {}, (60, 90)),
        "strip.png": (image.resize((900, 20)), {}, (20, 900)),
    }
    for name, (picture, options, size) in cases.items():
        picture.save(tmp_path / name, **options)
        data, digest = stored_image(tmp_path / name)
        result = Image.open(io.BytesIO(data))
        assert (result.format, result.mode) == ("JPEG", "RGB"), name
        assert result.size == size[::-1], name
        assert not result.getexif().get(0x0112)
        whole = read_image(tmp_path / name, min(size), float("inf"))
        assert np.abs(np.asarray(result, int) - whole).mean() < 5, name
        assert len(digest) == 32
    for mode in ("RGB", "L"):
        path = tmp_path / "plain.jpg"
        image.resize((300, 200)).convert(mode).save(path)
        assert stored_image(path)[0] == path.read_bytes()


def test_stored_image_refuses_what_cannot_be_read(tmp_path):
    path = tmp_path / "x.jpg"
    Image.fromarray(np.zeros((1, 70_000, 3), "uint8")).save(tmp_path / "x.png")
    with pytest.raises(UnreadableImage):  # Wider than JPEG can be.
        stored_image(tmp_path / "x.png")
    path.write_bytes(b"")
    with pytest.raises(UnreadableImage, match="empty file"):
        stored_image(path)
