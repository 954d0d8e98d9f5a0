"""Mutations of files, for `benchmarks.fuzz`: what damage and malice make."""

import io
import json
import shutil
import struct
import zipfile

import numpy as np

# What a terminal would obey, what turns the text after it, half a character.
HOSTILE_TEXTS = (
    "\x1b[2J\x1b]0;gone\x07",
    "two\nlines\r\x08",
    "a\u202eb\u2066c",
    "half \ud800",
    "\x9b31m",
    "",
    "../../../../etc/passwd",
    "{{ 7 * 7 }}<script>",
    "A" * 100_000,
)
# Arrays of names.
_TEXTS_OF = ("class_names.npy", "keys.npy")
# Bytes that a member of an archive unpacks to, from a few kB.
BOMB = 2**31
_HUGE = (2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 0, 1)


def hostile_value(random):
    """A JSON value of a kind and a size that nobody expects."""
    values = [
        *HOSTILE_TEXTS,
        None,
        True,
        -1,
        0,
        0.5,
        1e308,
        float("nan"),
        float("inf"),
        2**63,
        10**400,
        [],
        {},
        [[]],
        {"a": {"b": None}},
        list(range(100_000)),
        list(HOSTILE_TEXTS),
    ]
    return values[random.integers(len(values))]


def hostile_json(random, value):
    """Text of a JSON value, with some of its parts replaced or left out."""
    if random.random() < 0.1:
        return "[" * 100_000
    for _ in range(random.integers(1, 4)):
        value = _replaced(random, value)
    return json.dumps(value)


def _replaced(random, value):
    """A value with one part replaced, somewhere in it."""
    if (
        not isinstance(value, (dict, list))
        or not value
        or random.random() < 0.1
    ):
        return hostile_value(random)
    parts = value if isinstance(value, dict) else dict(enumerate(value))
    key = [*parts][random.integers(len(parts))]
    choice = random.random()
    if choice < 0.15:
        parts = {k: v for k, v in parts.items() if k != key}
    elif choice < 0.2 and isinstance(value, dict):
        name = HOSTILE_TEXTS[random.integers(len(HOSTILE_TEXTS))]
        parts = {**parts, name: parts[key]}
    else:
        # Most of the time as deep as it goes.
        part = parts[key]
        replace = _replaced if random.random() < 0.8 else None
        new = replace(random, part) if replace else hostile_value(random)
        parts = {**parts, key: new}
    return parts if isinstance(value, dict) else [*parts.values()]


def damaged(random, content, other=b""):
    """Bytes of a file with one kind of damage; its name and the bytes.

    Args:
        random: `np.random.Generator`.
        content: bytes.
        other: bytes of another file, to take the place of this one.
    """
    if not content:
        return "other", other
    size = len(content)
    place = int(random.integers(size))
    length = int(min(size, 2 ** random.integers(1, 12)))
    block = content[place : place + length]
    mutated = bytearray(content)
    kind = random.choice(
        ["flip", "flip", "length", "length", "cut", "insert", "delete"]
        + ["double", "zero", "empty", "other"],
    )
    if kind == "flip":
        for _ in range(random.integers(1, 9)):
            mutated[random.integers(size)] = int(random.integers(256))
    elif kind == "length":
        # Lengths and offsets are aligned, and most lie at the ends.
        near = random.choice([256, 4096, size])
        start = int(random.integers(min(near, size)))
        start = (size - 1 - start if random.random() < 0.3 else start) // 4 * 4
        form = random.choice(["<I", ">I", "<Q", ">H"])
        width = struct.calcsize(form)
        number = _HUGE[random.integers(len(_HUGE))] % 2 ** (8 * width)
        mutated[start : start + width] = struct.pack(form, number)
    elif kind == "cut":
        mutated = mutated[:place]
    elif kind == "insert":
        mutated[place:place] = random.bytes(length)
    elif kind == "delete":
        del mutated[place : place + length]
    elif kind == "double":
        mutated[place:place] = block
    elif kind == "zero":
        mutated[place : place + length] = bytes(len(block))
    elif kind == "empty":
        mutated = b""
    else:
        mutated = other
    return str(kind), bytes(mutated)


def archive_start(content):
    """Where the ZIP archive begins that a file is or ends with, or None."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return min(item.header_offset for item in archive.infolist())
    except (zipfile.BadZipFile, ValueError):
        return None


def members(content):
    """The files in an archive: name -> bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(files, method=zipfile.ZIP_STORED):
    """An archive of files, as bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            # A fixed date: the same seed gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def damaged_archive(random, content, other=b""):
    """The same of an archive, with sound checksums: a member is another."""
    start = archive_start(content)
    files = members(content)
    name = [*files][random.integers(len(files))]
    choice = random.random()
    if choice < 0.1:
        kind, new = "without", None
    elif choice < 0.2:
        kind, new = "bomb", bytes(BOMB)
    elif name in _TEXTS_OF and choice < 0.7:
        kind, new = "names", _hostile_names(files[name])
    elif name.endswith(".json") and choice < 0.9:
        kind, new = "json", _hostile_json_of(random, files[name])
    else:
        kind, new = damaged(random, files[name], other)
    del files[name]
    if new is not None:
        files[name] = new
    method = zipfile.ZIP_DEFLATED if kind == "bomb" else zipfile.ZIP_STORED
    return f"{kind} of {name}", content[:start] + archived(files, method)


def _hostile_json_of(random, content):
    return hostile_json(random, json.loads(content)).encode()


def _hostile_names(content):
    """An array of as many texts, as a file of its own."""
    count = len(np.load(io.BytesIO(content)))
    stream = io.BytesIO()
    # A name of 100,000 letters would be as many for each.
    texts = [text[:100] for text in HOSTILE_TEXTS]
    np.save(stream, np.array([texts[i % len(texts)] for i in range(count)]))
    return stream.getvalue()


def damaged_folder(random, folder):
    """Damages one file of a folder, in place; says what was done."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    by_folder = {}
    for path in files:
        # The many pictures of a folder are as likely as a single file.
        by_folder.setdefault((path.parent, path.suffix == ".jpg"), []).append(
            path
        )
    groups = [[p] for p in files if p.parent == folder]
    groups += [g for (place, _), g in by_folder.items() if place != folder]
    # Everything is made from these.
    groups += 3 * [g for g in groups if g[0].suffix in (".json", ".npz")]
    group = groups[random.integers(len(groups))]
    path = group[random.integers(len(group))]
    content = path.read_bytes()
    choice = random.random()
    if path.suffix == ".json" and choice < 0.7:
        kind = "json"
        path.write_bytes(_hostile_json_of(random, content))
    elif choice < 0.15:
        kind = "missing"
        path.unlink()
    elif choice < 0.25:
        kind = "a folder"
        path.unlink()
        path.mkdir()
    elif choice < 0.35 and path.parent != folder:
        kind = "no folder"
        shutil.rmtree(path.parent)
    elif zipfile.is_zipfile(path) and choice < 0.7:
        kind, content = damaged_archive(random, content)
        path.write_bytes(content)
    else:
        kind, content = damaged(random, content, files[0].read_bytes())
        path.write_bytes(content)
    return f"{path.relative_to(folder)}: {kind}"
