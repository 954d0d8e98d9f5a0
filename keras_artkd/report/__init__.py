"""HTML reports from a run's files, without Keras and TensorFlow."""

from keras_artkd.report.writing import write_comparison as write_comparison
from keras_artkd.report.writing import write_report as write_report
