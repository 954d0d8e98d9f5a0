"""LiteRT.js and onnxruntime-web in headless Chromium, for `clients`."""

import json
import pathlib
import tempfile
from typing import Any

import numpy as np
import pytest

from keras_artkd.deploy.web.litert_js import PACKAGE, VERSION
from tests.browser import ORIGIN, launched, serve, unpacked

# Folder of the page -> package of npm, and what the page loads of it.
PACKAGES = {
    "litert": (
        f"{PACKAGE}@{VERSION}",
        "dist/index.js",
        "wasm/litert_wasm_internal.js",
        "wasm/litert_wasm_internal.wasm",
    ),
    "utils": (f"@litertjs/wasm-utils@{VERSION}", "dist/index.js"),
    "ort": (
        "onnxruntime-web@1.30.0",
        "dist/ort.wasm.min.mjs",
        "dist/ort-wasm-simd-threaded.mjs",
        "dist/ort-wasm-simd-threaded.wasm",
    ),
}
CLIENTS = {".tflite": "LiteRT.js", ".onnx": "onnxruntime-web"}

# Images are one file of bytes; the answers come back as JSON.
PAGE = """<!doctype html><script type="importmap">
{"imports": {"@litertjs/wasm-utils": "/utils/index.js"}}
</script><script type="module">
const load = async (url) =>
  new Uint8Array(await (await fetch(url)).arrayBuffer());

async function openLite(url) {
  const {loadLiteRt, loadAndCompile, Tensor} = await import("/litert/index.js");
  window.loaded ??= await loadLiteRt("/litert/");
  const model = await loadAndCompile(await load(url), {accelerator: "wasm"});
  const [{shape, dtype}] = model.getInputDetails();
  const Numbers = dtype === "uint8" ? Uint8Array : Float32Array;
  return async (pixels) => {
    const image = new Tensor(Numbers.from(pixels), [...shape]);
    const [output] = await model.run([image]);
    const answer = [...await output.data()];
    image.delete();
    output.delete();
    return answer;
  };
}

async function openOnnx(url, side) {
  const ort = await import("/ort/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(await load(url));
  return async (pixels) => {
    const image = new ort.Tensor(
      "float32", Float32Array.from(pixels), [1, side, side, 3]);
    const {probabilities} = await session.run({image});
    return [...probabilities.data];
  };
}

window.measure = async (url, side) => {
  const all = await load("/job/images.bin");
  const run = await (url.endsWith(".onnx") ? openOnnx : openLite)(url, side);
  const size = 3 * side * side;
  await run(all.subarray(0, size));
  const answers = [], took = [];
  for (let start = 0; start < all.length; start += size) {
    const before = performance.now();
    answers.push(await run(all.subarray(start, start + size)));
    took.push(performance.now() - before);
  }
  return JSON.stringify({answers, took});
};
window.ready = true;
</script>"""


def measure_in_browser(
    paths: list[pathlib.Path], images: Any
) -> tuple[list[tuple[str, pathlib.Path, Any, list[float]]], str]:
    """Runs files on images in Chromium.

    Args:
        paths: `.tflite` and `.onnx` files of one folder.
        images: uint8 `(n, side, side, 3)`.

    Returns:
        `(rows, problem)`: of each file the client, the path, probabilities
        `(n, classes)` and milliseconds of each image; and why there are none.
    """
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        try:
            served = {
                name: unpacked(package, members, folder / name)
                for name, (package, *members) in PACKAGES.items()
            }
            job = folder / "job"
            job.mkdir()
            (job / "index.html").write_text(PAGE)
            (job / "images.bin").write_bytes(images.tobytes())
            served |= {"job": job, "run": paths[0].parent}
            with launched() as browser:
                page = browser.new_page()
                serve(page, served)
                page.goto(f"{ORIGIN}/job/index.html")
                page.wait_for_function("window.ready")
                for path in paths:
                    found = json.loads(
                        page.evaluate(
                            "([url, side]) => window.measure(url, side)",
                            [f"/run/{path.name}", images.shape[1]],
                        )
                    )
                    answers = np.array(found["answers"])
                    client = CLIENTS[path.suffix]
                    rows.append((client, path, answers, found["took"]))
        except pytest.skip.Exception as reason:
            return rows, str(reason)
    return rows, ""
