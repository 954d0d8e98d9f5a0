"""Stanford 40 Actions as a TFDS data set."""
