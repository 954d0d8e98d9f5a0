"""Run the models of a run with LiteRT on its golden inputs, and compare.

    pip install ai-edge-litert==2.3.0 numpy
    python golden.py RUN

It is what a port to another language does first. For pictures there is
`classify.py` in the run's folder.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main(run):
    """Prints, of each model and picture, the class and the difference."""
    folder = pathlib.Path(run, "golden")
    golden = json.loads((folder / "golden.json").read_text("utf-8"))
    for model, answers in golden["probabilities"].items():
        interpreter = Interpreter(str(pathlib.Path(run, model)))
        interpreter.allocate_tensors()
        (image,) = interpreter.get_input_details()
        (output,) = interpreter.get_output_details()
        for picture, expected in answers.items():
            pixels = np.load(folder / golden["tensors"][picture])
            # Raw pixels: a float file takes them as they are, too.
            pixels = pixels.astype(image["dtype"])
            interpreter.set_tensor(image["index"], pixels)
            interpreter.invoke()
            found = interpreter.get_tensor(output["index"])[0]
            name = golden["class_names"][found.argmax()]
            difference = np.abs(found - expected).max()
            print(f"{model} {picture}: {name}, differs by {difference:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
