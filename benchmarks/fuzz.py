"""Damaged and hostile files, given to the commands of `artkd`.

    python -m benchmarks.fuzz --count 125
    python -m benchmarks.fuzz --kinds image --count 500 --seed 7

It makes sound files in the folder --work (models of every format, a finished
run, arrays, images of every kind), and of each kind --count mutations. Each is
given to commands that read such files. A fault is a traceback, an exit status
that is not documented, a process that a signal ends, a control character or a
mark of the direction of writing on the terminal, a line there that is none of
the package's, too much memory, or too much time. What made a fault is kept in
the folder FAULTS of --work, with the command and what it printed. The exit
status is 1 if there is any.
"""

import argparse
import collections
import json
import pathlib
import shutil
import sys
import unicodedata
import zlib

import numpy as np

from benchmarks import fuzz_mutations as mutations
from benchmarks.fuzz_inputs import make_inputs
from benchmarks.fuzz_worker import Worker
from keras_artkd.output import TURNS

# Commands begin a line on standard error so.
_OWN = ("error: ", "note: ", "warning: ", "usage: ")
# TensorFlow says it of a process that opens many files, as no user's does.
_ONLY_HERE = "triggered tf.function retracing"
# So many pictures are together in a folder that is examined.
_TOGETHER = 20


def model_file(name, random, inputs, place):
    """A model file, mutated."""
    suffix = pathlib.Path(name).suffix
    source = inputs / name
    if suffix == ".tflite" and random.random() < 0.5:
        source = inputs / "model_int8.tflite"
    content = source.read_bytes()
    others = sorted(inputs.glob("model*.*"))
    other = others[random.integers(len(others))].read_bytes()
    start = mutations.archive_start(content)
    if suffix == ".onnx" and random.random() < 0.3:
        kind, content = _hostile_properties(random, content)
    elif start is not None and random.random() < 0.5:
        kind, content = mutations.damaged_archive(random, content, other)
    else:
        kind, content = mutations.damaged(random, content, other)
    path = place / name
    path.write_bytes(content)
    return kind, path


def _hostile_properties(random, content):
    """An ONNX file that says something else of itself."""
    import onnx

    model = onnx.load_from_string(content)
    for entry in model.metadata_props:
        if entry.value.startswith("{"):
            entry.value = mutations.hostile_json(
                random, json.loads(entry.value)
            ).encode("utf-8", "replace")
    return "json of the properties", model.SerializeToString()


def saved_model(random, inputs, place):
    """A SavedModel of which a file is mutated."""
    path = place / "model_folder"
    shutil.copytree(inputs / "model_folder", path)
    return mutations.damaged_folder(random, path), path


def finished_run(random, inputs, place):
    """The folder of a run of which a file is mutated."""
    path = place / "run"
    shutil.copytree(inputs / "run", path)
    return mutations.damaged_folder(random, path), path


def arrays(random, inputs, place):
    """A data set of arrays, mutated."""
    content = (inputs / "arrays.npz").read_bytes()
    if random.random() < 0.5:
        kind, content = mutations.damaged_archive(random, content)
    else:
        kind, content = mutations.damaged(random, content)
    path = place / "arrays.npz"
    path.write_bytes(content)
    return kind, path


def image(random, inputs, place):
    """A picture, mutated."""
    sources = sorted((inputs / "images").iterdir())
    source, other = (sources[random.integers(len(sources))] for _ in range(2))
    kind, content = mutations.damaged(
        random, source.read_bytes(), other.read_bytes()
    )
    path = place / source.name
    path.write_bytes(content)
    return kind, path


def model_commands(index, path, inputs):
    """What is typed of a mutated model."""
    picture = str(inputs / "images" / "a.png")
    return [
        [
            ["predict", str(path), picture],
            ["predict", str(path), picture, "--json"],
            ["evaluate", str(path), "--data-dir", str(inputs / "classes")],
        ][index % 3]
    ]


def run_commands(index, path, inputs):
    """What is typed of the mutated folder of a run."""
    picture = str(inputs / "images" / "a.png")
    output = str(path.parent / "output")
    more = [
        ["predict", str(path), picture],
        ["evaluate", str(path)],
        ["export", str(path), "--format", "onnx", "--output", f"{output}.onnx"],
        [
            "report",
            str(inputs / "run"),
            str(path),
            "--output",
            f"{output}.html",
        ],
        ["evaluate", str(path), "--data-dir", str(inputs / "classes")],
    ]
    return [["report", str(path)], more[index % len(more)]]


def array_commands(index, path, inputs):
    """What is typed of mutated arrays."""
    output = str(path.parent / "samples.png")
    commands = [["samples", str(path), "--output", output]]
    if index % 10 == 0:
        words = "--method baseline --student wrn_10_1 --epochs 1 --no-exports"
        work = ["--workdir", str(path.parent / "runs")]
        commands.append(["train", str(path), *words.split(), *work])
    return commands


def image_commands(index, path, inputs):
    """What is typed of a mutated picture; sometimes of many together."""
    model = str(inputs / "model.tflite")
    folder = path.parent.parent / "together"
    (folder / "red").mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder / "red" / f"{index}-{path.name}")
    commands = [["predict", model, str(path)]]
    if index % _TOGETHER == _TOGETHER - 1:
        page = str(path.parent / "page.html")
        commands += [
            ["doctor", str(folder), "--page", page],
            ["evaluate", model, "--data-dir", str(folder)],
        ]
    return commands


def _of_model(name):
    return (lambda *words: model_file(name, *words), model_commands)


# Kind -> what mutates a file of it, and the commands that are given it.
KINDS = {
    "tflite": _of_model("model.tflite"),
    "keras": _of_model("model.keras"),
    "onnx": _of_model("model.onnx"),
    "saved_model": (saved_model, model_commands),
    "npz": (arrays, array_commands),
    "run": (finished_run, run_commands),
    "image": (image, image_commands),
}


def find_fault(outcome, most_memory):
    """What is wrong with what came of a command; "" if nothing is."""
    if "fault" in outcome:
        return outcome["fault"]
    if outcome["traceback"]:
        return outcome["traceback"].strip().splitlines()[-1]
    if outcome["status"] not in (0, 1, 2):
        return f"exit status {outcome['status']}"
    for text in (outcome["out"], outcome["err"]):
        for character in text:
            unseen = unicodedata.category(character) in ("Cc", "Cs")
            if character in TURNS or (unseen and character not in "\n\r"):
                return f"prints {character!r}"
    lines = outcome["err"].replace("\r", "\n").splitlines()
    strange = [
        line
        for line in lines
        if line.strip() and not line.startswith(_OWN) and _ONLY_HERE not in line
    ]
    if strange:
        return f"chatter: {strange[0][:200]}"
    if outcome["status"] == 2 and not any(
        x.startswith("error: ") for x in lines
    ):
        return "exit status 2 without a reason"
    if outcome["memory"] > most_memory:
        return f"takes {outcome['memory']:,} bytes"
    return ""


def keep(folder, place, words, outcome, fault):
    """Keeps what made a fault."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place, folder)
    text = [f"artkd {' '.join(words)}", fault]
    text += [str(outcome.get(key, "")) for key in ("traceback", "out", "err")]
    content = "\n\n".join(text).encode("utf-8", "backslashreplace")
    (folder / "fault.txt").write_bytes(content)


def fuzz(kind, inputs, faults, arguments, worker):
    """Tries the mutations of a kind; prints what came of them."""
    mutate, commands_of = KINDS[kind]
    counts, slowest, largest = collections.Counter(), 0.0, 0
    work = inputs.parent / "now"
    for index in range(arguments.first, arguments.first + arguments.count):
        seeds = (arguments.seed, zlib.crc32(kind.encode()), index)
        random = np.random.default_rng(seeds)
        place = work / str(index)
        place.mkdir(parents=True)
        how, path = mutate(random, inputs, place)
        refused = False
        for words in commands_of(index, path, inputs):
            outcome = worker.run(words)
            fault = find_fault(outcome, arguments.memory)
            refused |= outcome.get("status") == 2
            slowest = max(slowest, outcome.get("seconds", 0))
            largest = max(largest, outcome.get("memory", 0))
            if fault:
                counts["faults"] += 1
                print(
                    f"{kind} {index} ({how}), {words[0]}: {fault}", flush=True
                )
                keep(faults / f"{kind}-{index}", place, words, outcome, fault)
        counts["refused" if refused else "read"] += 1
        shutil.rmtree(place)
    shutil.rmtree(work)
    print(
        f"{kind}: {arguments.count} mutations, {counts['read']} read, "
        f"{counts['refused']} refused, {counts['faults']} faults; at most "
        f"{slowest:.1f} seconds and {largest / 1e6:.0f} MB a command",
        flush=True,
    )
    return counts["faults"]


def main():
    """Tries all kinds; 1 if there is a fault."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=[*KINDS])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="mutation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=pathlib.Path, default="fuzz")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--memory", type=int, default=1_500_000_000)
    arguments = parser.parse_args()
    inputs = arguments.work.resolve() / "inputs"
    faults = arguments.work.resolve() / "FAULTS"
    shutil.rmtree(arguments.work / "now", ignore_errors=True)
    make_inputs(inputs)
    worker = Worker(100, arguments.memory, arguments.seconds)
    try:
        found = sum(
            fuzz(kind, inputs, faults, arguments, worker)
            for kind in arguments.kinds
        )
    finally:
        worker.stop()
    if found:
        print(f"What made the faults is in {faults}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
