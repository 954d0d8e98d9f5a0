"""Exported files answer as the network does, whatever was exported."""

import errno
import os
import tempfile

import keras
import numpy as np
import pytest

from keras_artkd import export
from keras_artkd.export.network import check_class_names
from keras_artkd.layers import AWGram
from keras_artkd.lite import LiteModel
from keras_artkd.model_info import ModelInfo
from keras_artkd.models import WideResNet, with_exits, with_rotations
from keras_artkd.runtimes import open_model

KINDS = ["saved_model", "none", "float16", "int8"]
CORRELATIONS = [
    "none",
    "cosine",
    "pearson",
    "spearman",
    "covariance",
    "chebyshev",
    "euclidean",
]


def stripes(num_images, size=32, num_classes=5):
    """Images striped in the direction of their class: easily learned."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, num_classes, num_images)
    angle = (np.pi * labels / num_classes)[:, None, None]
    y, x = np.mgrid[:size, :size] / size
    phase = generator.uniform(0, 2 * np.pi, (num_images, 1, 1))
    wave = np.sin(8 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) + phase)
    colour = generator.uniform(0.5, 1, (num_images, 1, 1, 3))
    noise = generator.normal(0, 15, (num_images, size, size, 3))
    images = 127.5 + 90 * wave[..., None] * colour + noise
    return np.clip(images, 0, 255).astype("float32"), labels


def channel_mixtures(num_images, size=8, channels=8, num_classes=5):
    """Maps whose class is which channels fire together, as after a ReLU."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(num_classes, channels, channels))
    labels = generator.integers(0, num_classes, num_images)
    maps = generator.normal(size=(num_images, size, size, channels))
    maps = np.einsum("nhwc,ncd->nhwd", maps, mixing[labels])
    return np.clip(25 * maps, 0, 255).astype("float32"), labels


def trained(model, images, labels, epochs, learning_rate=0.01):
    model.compile(
        keras.optimizers.Adam(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(images, labels, batch_size=64, epochs=epochs, verbose=0)
    return model


def conv_net(dtype=None):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0, dtype=dtype)(inputs)
    for filters in (8, 16):
        x = keras.layers.Conv2D(
            filters, 5, 2, "same", use_bias=False, dtype=dtype
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.8, dtype=dtype)(x)
        x = keras.layers.ReLU(dtype=dtype)(x)
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    return keras.Model(inputs, keras.layers.Dense(5, dtype="float32")(x))


def written(model, folder, kind, images=None):
    if kind == "saved_model":
        return export.export_saved_model(model, folder / "saved_model")
    calibration = images[:64] if kind == "int8" else None
    return export.export_tflite(
        model, folder / f"{kind}.tflite", kind, calibration
    )


@pytest.fixture(scope="module")
def networks():
    """Name -> (network, images, labels), trained to certainty."""
    keras.utils.set_random_seed(0)
    images, labels = stripes(512)
    wrn = WideResNet(10, 1, 5, (32, 32, 3), head="awgram")
    return {
        "conv": (
            trained(conv_net(), images, labels, epochs=12),
            images[:128],
            labels[:128],
        ),
        "wrn": (
            trained(wrn, images, labels, epochs=3),
            images[:128],
            labels[:128],
        ),
    }


@pytest.fixture
def small():
    """An untrained network for what does not depend on its answers."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["conv", "wrn"])
def test_round_trip(networks, tmp_path, name, kind):
    model, images, labels = networks[name]
    logits = model.predict(images, verbose=0)
    path = written(model, tmp_path, kind, images)
    result = export.verify(path, images, logits, labels)

    # Measured: 1e-6 and 1e-5, 4e-4, 0.2, of logits of 5 and more.
    tolerance = {"float16": 5e-3, "int8": 0.5}.get(kind, 1e-4)
    assert result["max_abs_difference"] < tolerance
    assert result["agreement"] >= (0.97 if kind == "int8" else 1.0)
    assert result["accuracy"] > 0.95
    assert result["size_bytes"] > 0
    if kind != "saved_model":
        # TensorFlow operations would be named Flex..., unfrozen variables
        # give NaN.
        assert b"Flex" not in path.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def size(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


@pytest.mark.parametrize("kind", [*KINDS, "onnx"])
def test_heads_for_the_training_are_left_out(tmp_path, kind):
    """The file is that of a network which never had any, to some names."""

    def write(model, name):
        (tmp_path / name).mkdir()
        if kind == "onnx":
            return export.export_onnx(model, tmp_path / name / "net.onnx")
        return written(model, tmp_path / name, kind, images)

    images = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3))
    images = images.astype("uint8")
    plain = WideResNet(10, 1, 5, (16, 16, 3))
    rotations = with_rotations(WideResNet(10, 1, 20, (16, 16, 3)))
    with_heads = with_exits(rotations, "skdsam")
    assert with_heads.count_params() > 1.3 * plain.count_params()
    path = write(with_heads, "heads")
    assert abs(size(path) - size(write(plain, "plain"))) < 1000
    logits = with_heads.predict(images, verbose=0)
    result = export.verify(path, images, logits)
    tolerance = {"float16": 5e-3, "int8": 0.5}.get(kind, 1e-4)
    assert result["max_abs_difference"] < tolerance


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_awgram_converts_to_builtin_operations(tmp_path, correlation):
    keras.utils.set_random_seed(0)
    maps, labels = channel_mixtures(512)
    # Maps of up to 255: the layer itself must bring them into range.
    model = keras.Sequential(
        [
            keras.Input((8, 8, 8)),
            AWGram(correlation),
            keras.layers.Dense(5),
        ]
    )
    trained(model, maps, labels, epochs=10, learning_rate=0.05)
    maps, labels = maps[:256], labels[:256]
    logits = model.predict(maps, verbose=0)

    path = written(model, tmp_path, "none", maps)
    assert b"Flex" not in path.read_bytes()
    result = export.verify(path, maps, logits, labels)
    assert result["max_abs_difference"] < 1e-4

    path = written(model, tmp_path, "int8", maps)
    assert b"Flex" not in path.read_bytes()
    # Measured: every correlation 1.0 and above 0.999.
    assert export.verify(path, maps, logits, labels)["agreement"] > 0.95
    integer_logits = LiteModel(path).predict(maps)
    assert np.corrcoef(integer_logits.ravel(), logits.ravel())[0, 1] > 0.99


def test_int8_takes_the_bytes_of_dark_images(small, tmp_path):
    """Without pinning, 0..99 would be stretched to the 256 steps."""
    dark = np.random.default_rng(0).integers(0, 100, (8, 8, 8, 3), "uint8")
    path = export.export_tflite(small, tmp_path / "m.tflite", "int8", dark)
    details = LiteModel(path)._interpreter.get_input_details()[0]
    assert details["dtype"] == np.uint8
    assert details["quantization"] == (1.0, 0)


def test_signatures(small, tmp_path):
    import tensorflow as tf

    path = export.export_saved_model(small, tmp_path / "saved_model")
    loaded = tf.saved_model.load(str(path))
    spec = loaded.signatures["serving_default"].structured_input_signature[1]
    assert spec["image"].shape.as_list() == [None, 8, 8, 3]
    assert spec["image"].dtype == tf.float32
    assert loaded.serve(tf.zeros((3, 8, 8, 3))).dtype == tf.float32

    lite = LiteModel(export.export_tflite(small, tmp_path / "m.tflite"))
    signatures = lite._interpreter.get_signature_list()
    assert signatures["serving_default"]["inputs"] == ["image"]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["conv", "wrn"])
def test_mixed_precision_exports_float32(tmp_path, name, policy):
    keras.utils.set_random_seed(0)
    images, _ = stripes(16)
    build = {
        "conv": conv_net,
        "wrn": lambda dtype: WideResNet(
            10, 1, 5, (32, 32, 3), AWGram("pearson"), dtype=dtype
        ),
    }[name]
    mixed, full = build(policy), build("float32")
    full.set_weights(mixed.get_weights())
    logits = full.predict(images, verbose=0)
    for kind in ("saved_model", "none"):
        path = written(mixed, tmp_path, kind, images)
        result = export.verify(path, images, logits)
        assert result["max_abs_difference"] < 1e-4
    tensors = LiteModel(path)._interpreter.get_tensor_details()
    assert not [t for t in tensors if "float16" in t["dtype"].__name__]
    assert any(policy == x.dtype_policy.name for x in mixed.layers)


def test_mixed_precision_by_the_global_policy(tmp_path):
    images, _ = stripes(4)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = conv_net()
        path = export.export_tflite(model, tmp_path / "m.tflite")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    logits = model.predict(images, verbose=0)
    assert export.verify(path, images, logits)["max_abs_difference"] < 0.05


@pytest.mark.parametrize("kind", [*KINDS, "onnx"])
def test_class_names_are_inside(small, tmp_path, kind):
    """As numpy gives them, too; and the file answers as it did."""
    names = np.array(["a", "b", "two words", "浮世絵"])
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
    if kind == "saved_model":
        path = export.export_saved_model(small, tmp_path / "m", names)
    elif kind == "onnx":
        path = export.export_onnx(small, tmp_path / "m.onnx", class_names=names)
    else:
        path = tmp_path / "m.tflite"
        export.export_tflite(small, path, kind, images, class_names=names)
    info = ModelInfo(["a", "b", "two words", "浮世絵"], 8, 9)
    assert open_model(path).info == info
    logits = small.predict(images.astype("float32"), verbose=0)
    tolerance = {"float16": 5e-3, "int8": 0.5}.get(kind, 1e-4)
    result = export.verify(path, images, logits)
    assert result["max_abs_difference"] < tolerance
    assert list(tmp_path.iterdir()) == [path]


def test_class_names_are_those_of_upright_images():
    network = with_rotations(WideResNet(10, 1, 20, (16, 16, 3)))
    for model in (network, with_exits(network, "skdsam")):
        info = check_class_names(list("abcde"), model)
        assert info == ModelInfo(list("abcde"), 16, 18)
    assert check_class_names(None, network) is None


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a", "b", "c"], "3 names, 4 classes"),
        ([], "0 names, 4 classes"),
        ("abcd", "list of str.*'abcd'"),
        ([0, 1, 2, 3], "list of str"),
    ],
)
def test_class_names_that_do_not_fit(small, tmp_path, names, match):
    for write, name in (
        (export.export_tflite, "m.tflite"),
        (export.export_onnx, "m.onnx"),
        (export.export_saved_model, "m"),
    ):
        with pytest.raises(ValueError, match=match):
            write(small, tmp_path / name, class_names=names)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 8, 1)])
def test_class_names_are_for_squares_in_colour(tmp_path, shape):
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    with pytest.raises(ValueError, match=f"8 x {shape[1]} x {shape[2]}"):
        export.export_tflite(
            model, tmp_path / "m.tflite", class_names=["a", "b"]
        )
    assert not list(tmp_path.iterdir())


def test_silent(small, tmp_path, capfd):
    images = np.zeros((4, 8, 8, 3), "uint8")
    for kind in KINDS:
        path = written(small, tmp_path, kind, images)
        export.verify(path, images, small(images.astype("float32")))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["saved_model", "none"])
def test_a_failed_export_leaves_what_was_there(
    small, tmp_path, monkeypatch, kind
):
    path = written(small, tmp_path, kind)
    size = export.verify(path, np.zeros((1, 8, 8, 3)), np.zeros((1, 4)))

    def fail(self, filepath, **kwargs):
        if kind == "saved_model":
            os.mkdir(filepath)
            filepath = os.path.join(filepath, "saved_model.pb")
        with open(filepath, "w") as file:
            file.write("half")
        os.write(2, b"the converter's last words")
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(type(small), "export", fail)
        with pytest.raises(RuntimeError, match="disk full") as caught:
            written(small, tmp_path, kind)
        assert "last words" in caught.value.__notes__[0]
    assert list(tmp_path.iterdir()) == [path]
    assert size == export.verify(path, np.zeros((1, 8, 8, 3)), np.zeros((1, 4)))
    # And a good one replaces it.
    written(small, tmp_path, kind)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["saved_model", "none"])
def test_unwritable_folder(small, tmp_path, kind):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="must be writable"):
        written(small, tmp_path / "file", kind)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_locked_folder(small, tmp_path, monkeypatch):
    """Refused here by hand: no file permission binds the superuser."""

    def refuse(**kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(PermissionError, match="must be writable") as caught:
        export.export_tflite(small, tmp_path / "m.tflite")
    assert caught.value.filename == str(tmp_path / "m.tflite")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_things_is_not_replaced(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="would be lost"):
        export.export_saved_model(small, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"quantize": "int4"}, "none, float16, int8.*'int4'"),
        ({"quantize": "int8"}, "`calibration_images` must be given"),
        (
            {"quantize": "int8", "calibration_images": np.ones((2, 9, 9, 3))},
            r"\(n, 8, 8, 3\)",
        ),
        (
            {"quantize": "int8", "calibration_images": np.ones((2, 8, 8, 3))},
            "raw pixels.*multiply by 255",
        ),
        (
            {
                "quantize": "int8",
                "calibration_images": np.full((2, 8, 8, 3), np.nan),
            },
            "values from nan",
        ),
        ({"path": "m.bin"}, r"m\.tflite"),
    ],
)
def test_argument_errors(small, tmp_path, arguments, match):
    path = tmp_path / arguments.pop("path", "m.tflite")
    with pytest.raises(ValueError, match=match):
        export.export_tflite(small, path, **arguments)
    assert not list(tmp_path.iterdir())


def test_model_errors(small, tmp_path, monkeypatch):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    with pytest.raises(ValueError, match="static size"):
        export.export_saved_model(keras.Model(inputs, x), tmp_path / "a")
    unbuilt = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="functional"):
        export.export_tflite(unbuilt, tmp_path / "a.tflite")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
        export.export_saved_model(small, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_verify_errors(small, tmp_path):
    path = export.export_tflite(small, tmp_path / "m.tflite")
    with pytest.raises(ValueError, match="same shape"):
        export.verify(path, np.zeros((2, 8, 8, 3)), np.zeros((1, 4)))
    with pytest.raises(ValueError, match="one class index"):
        export.verify(path, np.zeros((2, 8, 8, 3)), np.zeros((2, 4)), [0])
