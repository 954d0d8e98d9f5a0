"""From a trained network to files that run without it, and proof they do.

`export_saved_model` writes what a server reads, `export_tflite` what a phone
or a browser reads, `export_onnx` what most other runtimes read; `verify`
compares a file's answers with the network's.
"""

from keras_artkd.export.network import QUANTIZE as QUANTIZE
from keras_artkd.export.onnx import export_onnx as export_onnx
from keras_artkd.export.parity import ParityGate as ParityGate
from keras_artkd.export.parity import deliver as deliver
from keras_artkd.export.parity import verify as verify
from keras_artkd.export.run import export_run as export_run
from keras_artkd.export.saved_model import (
    export_saved_model as export_saved_model,
)
from keras_artkd.export.tflite import export_tflite as export_tflite
