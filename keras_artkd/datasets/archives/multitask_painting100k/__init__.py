"""MultitaskPainting100k as a TFDS data set."""
