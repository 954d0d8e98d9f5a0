"""MIT Indoor Scene Recognition as a TFDS data set."""
