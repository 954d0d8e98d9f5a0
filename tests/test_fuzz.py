"""Fuzzing repeats itself by its seed, and knows a fault when it sees one."""

import io
import json
import zipfile

import numpy as np
import pytest

from benchmarks import fuzz_mutations as mutations
from benchmarks.fuzz import find_fault

SOUND = {"status": 0, "traceback": "", "out": "a\n", "err": "", "memory": 1}


def archive():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("a.json", json.dumps({"a": [1, {"b": "c"}]}))
        file.writestr("b", bytes(range(256)) * 9)
    return stream.getvalue()


def test_mutations_are_many_and_repeat_by_their_seed(monkeypatch):
    monkeypatch.setattr(mutations, "BOMB", 1000)
    content = b"in front" + archive()
    for mutate in (mutations.damaged, mutations.damaged_archive):
        made = [
            [mutate(np.random.default_rng(i), content, b"x") for i in range(80)]
            for _ in range(2)
        ]
        assert made[0] == made[1]
        kinds, contents = zip(*made[0], strict=True)
        assert len({*kinds}) > 7 and len({*contents}) > 30


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        ({"status": 2, "err": "error: no\n"}, ""),
        ({"err": "note: read\n\r64 of 70"}, "chatter"),
        ({"status": 2}, "without a reason"),
        ({"status": None, "traceback": "File\nKeyError: 1"}, "KeyError: 1"),
        ({"status": -11}, "exit status"),
        ({"out": "\x1b[2J"}, "prints"),
        ({"out": "a\u202eb"}, "prints"),
        ({"err": "error: \udcff"}, "prints"),
        ({"err": "INFO: created"}, "chatter"),
        ({"memory": 10**9}, "takes"),
        ({"fault": "ended by signal 11"}, "signal 11"),
    ],
)
def test_faults(change, fault):
    found = find_fault(SOUND | change, 10**6)
    assert fault in found and bool(found) == bool(fault)
