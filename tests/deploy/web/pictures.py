"""Pictures that the tests give to a page, and its answer."""

import io

import numpy as np
from PIL import Image

# The page's own modules are in it once: these are those that it runs.
ANSWER = """async (coded) => {
  const app = await import(new URL("app.js", location));
  const classifier = await app.opening;
  const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
  const pixels = await classifier.read(new Blob([bytes]));
  return [classifier.device, [...await classifier.run(pixels)]];
}"""


def picture(seed, size=(70, 50)):
    """A PNG: noise, with a tint in the top left quarter of its middle."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 160, (*size[::-1], 3))
    pixels[: size[1] // 2, : size[0] // 2, seed % 3] += 60
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype("uint8")).save(buffer, "png")
    return buffer.getvalue()


def upload(name, content):
    return {"name": name, "mimeType": "image/png", "buffer": content}
