"""MediaPipe Tasks, the road onto phones, takes the files as they are."""

import numpy as np
import pytest

from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.formats import open_model
from tests.deploy.classifiers import make_colour_network
from tests.deploy.networks import flat_network

# A machine without its graphics libraries has the package and cannot load it.
mediapipe = pytest.importorskip("mediapipe", exc_type=Exception)

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), "uint8")
NAMES = ["red", "Jugendstil, um 1900", "浮世絵"]


def classify(path, images):
    """Dict of class name -> probability, of each image."""
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=str(path))
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        results = [
            classifier.classify(
                mediapipe.Image(mediapipe.ImageFormat.SRGB, image)
            )
            for image in images
        ]
    return [
        {each.category_name: each.score for each in classes.categories}
        for result in results
        for classes in result.classifications
    ]


@pytest.mark.parametrize("quantize", ["none", "float16", "int8"])
def test_names_and_probabilities_are_those_of_the_file(tmp_path, quantize):
    path = export_tflite(
        make_colour_network(), tmp_path / "m.tflite", quantize, IMAGES, NAMES
    )
    expected = open_model(path).predict(IMAGES)
    for answer, row in zip(classify(path, IMAGES), expected, strict=True):
        # MediaPipe leaves out what rounds to nothing.
        found = [answer.get(name, 0.0) for name in NAMES]
        np.testing.assert_allclose(found, row, atol=1e-3)
        assert max(answer, key=answer.get) == NAMES[row.argmax()]


def test_a_file_without_names_has_no_metadata(tmp_path):
    """Then MediaPipe refuses it; with them it needs nothing else."""
    path = export_tflite(flat_network(), tmp_path / "m.tflite")
    with pytest.raises(Exception, match="NormalizationOptions"):
        classify(path, IMAGES)


def test_the_metadata_is_what_their_schema_reads():
    from mediapipe.tasks.metadata import (
        metadata_schema_py_generated as schema,
    )

    from keras_artkd.deploy.formats.lite_metadata import lite_metadata
    from keras_artkd.deploy.model_info import ModelInfo

    content = lite_metadata(ModelInfo(NAMES, 96, 108))
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    model = schema.ModelMetadataT.InitFromObj(
        schema.ModelMetadata.GetRootAs(content, 0)
    )
    assert b"3 classes" in model.description
    (graph,) = model.subgraphMetadata
    (image,) = graph.inputTensorMetadata
    properties = image.content.contentProperties
    assert properties.colorSpace == schema.ColorSpaceType.RGB
    size = properties.defaultSize
    assert (size.width, size.height) == (96, 96)
    (unit,) = image.processUnits
    assert (unit.options.mean, unit.options.std) == ([0.0], [1.0])
    assert (image.stats.min, image.stats.max) == ([0.0], [255.0])
    (output,) = graph.outputTensorMetadata
    (labels,) = output.associatedFiles
    assert labels.name == b"labels.txt"
    assert labels.type == schema.AssociatedFileType.TENSOR_AXIS_LABELS
    (threshold,) = output.processUnits
    assert threshold.options.globalScoreThreshold == 0.0
