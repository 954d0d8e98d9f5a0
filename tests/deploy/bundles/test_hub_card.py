"""The card of a repository is what the Hub's own parser reads."""

import pytest

from keras_artkd.deploy.bundles.hub_card import hub_card
from tests.deploy.test_model_card import CONFIG, DATA, METRICS

hub = pytest.importorskip("huggingface_hub")

FILES = ["config.json", "model.keras", "student.tflite", "student_int8.onnx"]


def read(config=CONFIG, data=DATA, metrics=METRICS, files=FILES):
    card = hub.ModelCard(hub_card(config, data, metrics, files))
    # What it cannot read of a `model-index` it would leave out.
    assert card.data.eval_results
    return card


def test_front_matter():
    data = read({**CONFIG, "licence": "Apache-2.0"}).data
    assert data.license == "apache-2.0"
    assert data.library_name == "keras"
    assert data.pipeline_tag == "image-classification"
    assert data.metrics == ["accuracy"]
    assert data.tags == [
        "keras_artkd",
        "knowledge-distillation",
        "litert",
        "tflite",
        "onnx",
    ]
    assert read(files=["config.json"]).data.tags == [
        "keras_artkd",
        "knowledge-distillation",
    ]


def test_what_was_measured():
    data = read().data
    assert data.model_name == "wrn_10_1 on folder"
    results = {each.metric_type: each for each in data.eval_results}
    assert results["accuracy"].metric_value == 0.735
    assert results["macro_accuracy"].metric_value == 0.61
    assert results["expected_calibration_error"].metric_value == 0.0432
    assert "top_5_accuracy" not in results
    for result in data.eval_results:
        assert result.task_type == "image-classification"
        assert result.dataset_type == "imagefolder"
        assert result.dataset_name == "folder"
        assert result.dataset_split == "test"
    # The library itself would write the same index.
    assert (
        hub.ModelCardData(
            model_name=data.model_name, eval_results=data.eval_results
        ).to_dict()["model-index"]
        == data.to_dict()["model-index"]
    )


def test_folds_are_no_test_split():
    folds = [{"accuracy": x} for x in (0.5, 0.6, 0.7)]
    data = read(metrics={**METRICS, "folds": folds}).data
    assert {each.dataset_split for each in data.eval_results} == {"3 folds"}


@pytest.mark.parametrize(
    ("stated", "license", "name"),
    [
        ("CC BY 4.0", "cc-by-4.0", None),
        ("CC0-1.0", "cc0-1.0", None),
        ("Apache License 2.0", "apache-2.0", None),
        ("MIT Licence", "mit", None),
        ("not stated", "unknown", None),
        ('CC "BY" 4.0', "cc-by-4.0", None),
        ("the museum's own", "other", "the-museum-s-own"),
        ("浮世絵", "other", "other"),
    ],
)
def test_licences(stated, license, name):
    card = read({**CONFIG, "licence": stated})
    assert (card.data.license, card.data.license_name) == (license, name)
    assert card.content.endswith(f"## Licence\n\n{stated}\n")


@pytest.mark.parametrize(
    "source", ["/home/me/a: b #c", 'x"y\\z', "浮世絵 🎨", "- [a]", "\x07bell"]
)
def test_names_that_are_no_friends_of_yaml(source):
    data = {**DATA, "load": {"data_dir": source}}
    (result, *_) = read(data=data).data.eval_results
    expected = source.rpartition("/")[2].replace("\x07", "\\x07")
    assert result.dataset_name == expected
    assert "/home" not in hub_card(CONFIG, data, METRICS, FILES)


def test_a_network_from_a_file_has_no_place():
    metrics = {**METRICS, "student": "/home/me/own.keras_first3"}
    card = hub_card(CONFIG, DATA, metrics, FILES)
    assert "# own_first3 on folder\n" in card and "/home" not in card


def test_files_are_explained():
    card = read().content
    assert "| `model.keras` | the Keras model in one file" in card
    assert "| `student_int8.onnx` | for ONNX Runtime" in card
    assert "| `classify.py`" not in card
    assert "| `classify.py` | runs" in read(files=["classify.py"]).content
    assert "`(batch, 48, 48, 3)`" in card
