"""What a model file says of itself: classes, preprocessing, model card.

Each format has its own place for it, and other tools find it there too:

- `.tflite` and `.keras`: files inside (a ZIP archive at the end of the file,
  as TFLite's associated files are; `unzip -l student.tflite` lists them);
- `.onnx`: the metadata properties of the model;
- SavedModel: the folder `assets.extra`.

Needs only Python (and `onnx` to write into its files).
"""

import dataclasses
import json
import pathlib
import zipfile

INFO = "keras_artkd.json"
LABELS = "labels.txt"
CARD = "MODEL_CARD.md"


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """What one needs to know to use a classifier on an image file.

    Attributes:
        class_names: list of str, in the order of the logits.
        image_size: int, side of the square that the network sees, pixels.
        short_side: int, pixels: what the shorter side of an image is resized
            to before the central square is cut out.
        card: str, the model card, Markdown.
    """

    class_names: list
    image_size: int
    short_side: int
    card: str = ""

    def __post_init__(self):
        if not 0 < self.image_size <= self.short_side:
            raise ValueError(
                "`short_side` must be at least `image_size`, both positive. "
                f"Received: image_size={self.image_size}, "
                f"short_side={self.short_side}."
            )
        if not self.class_names:
            raise ValueError("`class_names` must name a class. Received: [].")

    def files(self):
        """Dict of file name -> text."""
        settings = dataclasses.asdict(self)
        del settings["card"]
        files = {
            INFO: json.dumps(settings, indent=1, ensure_ascii=False) + "\n",
            # One class a line, as TFLite's tools want it.
            LABELS: "".join(
                " ".join(name.split()) + "\n" for name in self.class_names
            ),
        }
        # An empty card would promise what is not there.
        return files | ({CARD: self.card} if self.card else {})

    @classmethod
    def from_files(cls, files):
        """The inverse of `files`; `None` without the file of settings."""
        if INFO not in files:
            return None
        return cls(**json.loads(files[INFO]), card=files.get(CARD, ""))


def info_of_names(class_names, image_size):
    """Returns the `ModelInfo` of a network of which no more is known.

    Args:
        class_names: list of str, in the order of the logits.
        image_size: int, side of its input. The shorter side of an image is
            resized to 9/8 of it, as recipes do, then the centre is cut out.
    """
    return ModelInfo(list(class_names), image_size, round(1.125 * image_size))


def read_info(path):
    """Returns the `ModelInfo` of a model file, `None` where it has none.

    Args:
        path: a `.tflite` or `.keras` file or a SavedModel folder. (An ONNX
            file's comes from its runtime, see `keras_artkd.runtimes`.)

    Raises:
        ValueError: if what is inside is damaged.
    """
    path = pathlib.Path(path)
    try:
        if path.is_dir():
            return ModelInfo.from_files(_read_folder(path / "assets.extra"))
        if not zipfile.is_zipfile(path):
            return None
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
            return ModelInfo.from_files(
                {
                    name: archive.read(name).decode()
                    for name in (INFO, CARD)
                    if name in inside
                }
            )
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"What the model says of itself is damaged. Received: {path} "
            f"({error}). Fix: export it again."
        ) from error


def write_info(path, info):
    """Puts a `ModelInfo` into a model file that has none yet.

    Args:
        path: a `.tflite`, `.keras` or `.onnx` file, or a SavedModel folder;
            changed in place, so pass one that nobody reads yet.
        info: `ModelInfo`.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        folder = path / "assets.extra"
        folder.mkdir()
        for name, text in info.files().items():
            (folder / name).write_text(text, encoding="utf-8")
    elif path.suffix == ".onnx":
        _write_onnx(path, info)
    else:
        # Opened for appending, a file that is no archive gets one at its end.
        with zipfile.ZipFile(path, "a") as archive:
            for name, text in info.files().items():
                # A fixed date: the same model gives the same bytes.
                archive.writestr(
                    zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED
                )


def _read_folder(folder):
    return {
        name: (folder / name).read_text(encoding="utf-8")
        for name in (INFO, CARD)
        if (folder / name).is_file()
    }


def _write_onnx(path, info):
    import onnx

    model = onnx.load(path)
    for name, text in info.files().items():
        model.metadata_props.add(key=name, value=text)
    onnx.save(model, path)
