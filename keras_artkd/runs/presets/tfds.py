"""Any image classification set of TensorFlow Datasets.

    artkd train tfds:beans
    artkd train tfds:oxford_iiit_pet --image-size 96

The name may have a configuration and a version, as TFDS writes them. TFDS
downloads the set where it is not there yet; --data-dir FOLDER is another TFDS
directory than its own. The set's own splits are kept; see
`keras_artkd.datasets.load` for those that it does not have.
"""

from keras_artkd.runs.config import Config

CONFIG = Config.of(recipe="tfds", dataset="tfds")
