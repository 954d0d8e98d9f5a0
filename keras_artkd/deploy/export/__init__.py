"""Files to deploy: written from a trained network, and verified.

`export_saved_model` writes what a server reads, `export_tflite` what a phone
or a browser reads, `export_onnx` what most other runtimes read. `verify`
compares the answers of a file with the network's.
"""

from keras_artkd.deploy.export.parity import ParityGate as ParityGate
from keras_artkd.deploy.export.parity import deliver as deliver
from keras_artkd.deploy.export.parity import verify as verify
from keras_artkd.deploy.export.run import export_run as export_run
from keras_artkd.deploy.formats.onnx import export_onnx as export_onnx
from keras_artkd.deploy.formats.saved_model import (
    export_saved_model as export_saved_model,
)
from keras_artkd.deploy.formats.tflite import export_tflite as export_tflite
