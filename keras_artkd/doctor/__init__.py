"""Examination of a folder of labelled images, with NumPy and Pillow only."""

from keras_artkd.doctor.diagnosis import Diagnosis as Diagnosis
from keras_artkd.doctor.diagnosis import examine as examine
