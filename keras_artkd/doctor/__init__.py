"""What is wrong with a folder of labelled images; NumPy and Pillow only."""

from keras_artkd.doctor.diagnosis import Diagnosis as Diagnosis
from keras_artkd.doctor.diagnosis import examine as examine
