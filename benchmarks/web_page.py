"""A page's answers in Chromium, compared with `artkd predict`'s.

    python -m benchmarks.web_page RUN/web FOLDER --limit 200
    python -m benchmarks.web_page RUN/web FOLDER --predict RUN/student.tflite
    python -m benchmarks.web_page RUN/web FOLDER --device webgpu

The page answers the images of the folder in a headless Chromium, one after the
other. The line says on how many images the first class is the same, how far
pixels and probabilities are apart at most, and the median time of the network.
`--device webgpu` takes a GPU that is a program, where there is no other.
"""

import argparse
import base64
import pathlib
import random
import shutil
import statistics
import threading

import numpy as np
from playwright.sync_api import sync_playwright

from keras_artkd.deploy.predict import Classifier, find_images
from keras_artkd.deploy.web.page import MODEL
from keras_artkd.deploy.web.serving import make_server

FLAGS = {
    "wasm": ["--disable-gpu"],
    "webgpu": ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
}
ANSWER = """async (coded) => {
  const app = await import(new URL("app.js", location));
  const classifier = await app.opening;
  const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  const start = performance.now();
  const pixels = await classifier.read(new Blob([bytes]));
  const read = performance.now();
  const shares = await classifier.run(pixels);
  return [[...pixels], [...shares], read - start, performance.now() - read];
}"""


def main():
    """Compares, and prints a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("--predict", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--device", choices=FLAGS, default="wasm")
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    images = list(find_images([arguments.images]))
    random.Random(0).shuffle(images)
    classifier = Classifier(arguments.predict or arguments.page / MODEL)
    server = make_server(arguments.page, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", *FLAGS[arguments.device]],
        )
        page = browser.new_page()
        page.goto(f"{server.url}?device={arguments.device}")
        rows = [
            compare(page, classifier, image.read_bytes())
            for image in images[: arguments.limit]
        ]
        browser.close()
    same, pixels, shares, read, ran = zip(*rows, strict=True)
    print(
        f"{arguments.device}: same class on {sum(same)} of {len(rows)}; "
        f"pixels differ by {max(pixels)} at most, on "
        f"{sum(map(bool, pixels))} images; probabilities by "
        f"{max(shares):.1e} at most, by {statistics.mean(shares):.1e} on "
        f"average; reading {statistics.median(read):.0f} ms, network "
        f"{statistics.median(ran):.1f} ms (medians)"
    )


def compare(page, classifier, content):
    """Same class, differences of pixels and probabilities, and both times."""
    pixels, shares, read, ran = page.evaluate(
        ANSWER, base64.b64encode(content).decode()
    )
    expected = classifier.read(content)
    (likely,) = classifier.probabilities(expected[None])
    return (
        likely.argmax() == np.argmax(shares),
        int(np.abs(np.int64(pixels) - expected.ravel()).max()),
        float(np.abs(likely - shares).max()),
        read,
        ran,
    )


if __name__ == "__main__":
    main()
