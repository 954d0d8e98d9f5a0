"""What images take while they are decoded, all threads together."""

import concurrent.futures
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from keras_artkd.data import memory
from keras_artkd.data.formats import readable
from keras_artkd.data.images import UnreadableImage, read_image
from tests.data.pictures import encoded, smooth

# Reads a file in eight threads, with a budget for two; prints the growth of
# the process in bytes.
_PEAK = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from keras_artkd.data import images, memory

path, budget = sys.argv[1], int(sys.argv[2])
images.DECODING = memory.Budget(budget)
images.read_image(sys.argv[3], 8)  # What libraries load once.
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: images.read_image(path, 16), range(8)))
print((peak() - before) * 1024)
"""


def grey16(side):
    values = np.arange(side * side, dtype="uint32") % 65536
    return Image.fromarray(values.astype("uint16").reshape(side, side))


def rgba(side):
    return Image.new("RGBA", (side, side), (200, 10, 30, 90))


def noise(side):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (side, side, 3), dtype="uint8")
    return Image.fromarray(pixels)


PROGRESSIVE = {"progressive": True, "subsampling": 0}
EXIF = Image.Exif()
EXIF[0x0112] = 6
TURNED = {"exif": EXIF}


@pytest.mark.skipif(sys.platform != "linux", reason="its units of the peak")
@pytest.mark.parametrize(
    ("image_format", "make", "options"),
    [
        ("PNG", grey16, {}),
        ("PNG", rgba, {}),
        ("PNG", rgba, TURNED),
        ("WEBP", rgba, {}),
        ("JPEG2000", rgba, {}),
        ("AVIF", rgba, {}),
        ("JPEG", noise, PROGRESSIVE),
    ],
)
def test_all_threads_keep_to_one_budget(tmp_path, image_format, make, options):
    if image_format not in readable():
        pytest.skip(f"Pillow without {image_format}")
    side = 2000
    path, small = tmp_path / "large", tmp_path / "small"
    make(side).save(path, image_format, **options)
    make(8).save(small, image_format, **options)
    # At 16 pixels a JPEG of 2000 is decoded as one of 250.
    pixels = (side // 8 if options == PROGRESSIVE else side) ** 2
    whole = side * side if options == PROGRESSIVE else 0
    budget = 2 * memory.cost(image_format, pixels, whole)
    words = [sys.executable, "-c", _PEAK, path, str(budget), small]
    grown = int(subprocess.check_output(words))
    # The files, the threads and what the allocator keeps.
    assert grown < budget + 40e6


def test_who_asks_for_too_much_waits_its_turn():
    budget, order = memory.Budget(10), []
    inside, leave = threading.Event(), threading.Event()

    def take(name, size):
        with budget.of(size):
            order.append(name)
            if name == "first":
                inside.set()
                assert leave.wait(10)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        first = pool.submit(take, "first", 6)
        assert inside.wait(10)
        large = pool.submit(take, "large", 10)
        while not budget._turn.locked():
            pass
        small = pool.submit(take, "small", 1)
        leave.set()
        for job in (first, large, small):
            job.result(10)
    assert order == ["first", "large", "small"]


def test_memory_is_given_back_after_an_error():
    budget = memory.Budget(10)
    for _ in range(3):
        with pytest.raises(UnreadableImage), budget.of(10):
            raise UnreadableImage("damaged")


def test_a_picture_beyond_the_budget_is_refused(monkeypatch):
    monkeypatch.setattr("keras_artkd.data.images.BUDGET", 100_000)
    with pytest.raises(
        UnreadableImage, match="0 million pixels would be decoded in 0.0 GB"
    ):
        read_image(encoded(smooth(200, 200), "PNG"))


@pytest.mark.parametrize("mode", ["P", "CMYK", "L", "RGBA", "I;16", "F"])
def test_strips_change_no_pixel(monkeypatch, mode):
    image = Image.fromarray(smooth(37, 23)).convert(
        "L" if mode in ("I;16", "F") else mode
    )
    if mode in ("I;16", "F"):
        kind = "uint16" if mode == "I;16" else "float32"
        image = Image.fromarray(np.asarray(image).astype(kind) * 200)
    data = encoded(image, "TIFF")
    whole = read_image(data)
    monkeypatch.setattr("keras_artkd.data.images._STRIP_PIXELS", 100)
    np.testing.assert_array_equal(read_image(data), whole)


def test_libtiff_tells_the_terminal_nothing(capfd):
    data = bytearray(encoded(smooth(64, 64), "TIFF", compression="tiff_lzw"))
    for start in range(8, len(data) - 40, 7):
        damaged = data[:start] + bytes(23) + data[start + 23 :]
        try:
            read_image(bytes(damaged))
        except UnreadableImage:
            pass
    assert capfd.readouterr() == ("", "")
