"""Reading of PyTorch's checkpoints without PyTorch."""

import collections
import io
import pickle

import numpy as np
import pytest

from keras_artkd.models.torch_checkpoint import read_checkpoint

MAGIC = 0x1950A86A20F9469CFC6C


class Named:
    """What pickles as a name of another module, with arguments."""

    def __init__(self, module, name, arguments):
        self.name, self.arguments = f"{module}\n{name}\n", arguments

    def __reduce__(self):
        raise NotImplementedError  # `Pickler` writes it.


class Pickler(pickle._Pickler):
    """Writes storages as PyTorch does, and calls of any name."""

    def persistent_id(self, value):
        if isinstance(value, Storage):
            name = Named("torch", value.kind, None)
            return ("storage", name, value.key, "cpu", value.count, None)
        return None

    def save(self, value, save_persistent_id=True):
        if not isinstance(value, Named):
            return super().save(value, save_persistent_id)
        self.write(b"c" + value.name.encode())
        if value.arguments is not None:
            super().save(value.arguments)
            self.write(b"R")
        return None


class Storage(collections.namedtuple("Storage", "key kind count")):
    pass


def checkpoint(tensors, storages, magic=MAGIC):
    """Bytes of a file; storages are dict of key -> `(kind, array)`."""
    file = io.BytesIO()

    def dump(value):
        Pickler(file, protocol=2).dump(value)

    dump(magic)
    dump(1001)
    dump({"little_endian": True})
    rows = collections.OrderedDict()
    for name, (key, offset, shape, strides) in tensors.items():
        kind, array = storages[key]
        storage = Storage(key, kind, array.size)
        arguments = (storage, offset, shape, strides, False, {})
        rows[name] = Named("torch._utils", "_rebuild_tensor_v2", arguments)
    dump(rows)
    dump(sorted(storages))
    for key in sorted(storages):
        array = storages[key][1]
        file.write(array.size.to_bytes(8, "little") + array.tobytes())
    return file.getvalue()


@pytest.fixture
def content():
    floats = np.arange(24, dtype="<f4")
    counts = np.array([7], "<i8")
    return checkpoint(
        {
            "weight": ("1", 2, (2, 3), (1, 4)),
            "count": ("2", 0, (), ()),
            "shared": ("1", 0, (24,), (1,)),
        },
        {"1": ("FloatStorage", floats), "2": ("LongStorage", counts)},
    )


def read(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return read_checkpoint(path)


def test_tensors(tmp_path, content):
    values = read(tmp_path, content)
    assert list(values) == ["weight", "count", "shared"]
    np.testing.assert_array_equal(values["weight"], [[2, 6, 10], [3, 7, 11]])
    assert values["weight"].dtype == "float32"
    assert values["count"] == 7
    np.testing.assert_array_equal(values["shared"], np.arange(24))


def test_cut_anywhere(tmp_path, content):
    for length in range(0, len(content), 7):
        with pytest.raises(ValueError, match="before version 1.6.*Fix"):
            read(tmp_path, content[:length])


def test_tensors_over_the_end(tmp_path):
    storages = {"1": ("FloatStorage", np.zeros(4, "<f4"))}
    for place in (
        (0, (5,), (1,)),
        (2, (3,), (1,)),
        (0, (2, 2), (1, 3)),
        (-1, (2,), (1,)),
        (3, (2,), (-1,)),
    ):
        content = checkpoint({"w": ("1", *place)}, storages)
        with pytest.raises(ValueError, match="over the end"):
            read(tmp_path, content)


def test_code_does_not_run(tmp_path):
    """A pickle that would make a file."""
    target = tmp_path / "made"
    file = io.BytesIO()
    Pickler(file, protocol=2).dump(
        Named("pathlib", "Path.touch", (str(target),))
    )
    with pytest.raises(ValueError, match="pathlib.Path.touch is no part"):
        read(tmp_path, file.getvalue())
    assert not target.exists()


def test_other_files(tmp_path):
    for content in (b"PK\x03\x04 a newer checkpoint", b"", b"\x80\x02N."):
        with pytest.raises(ValueError, match="must be a checkpoint"):
            read(tmp_path, content)
