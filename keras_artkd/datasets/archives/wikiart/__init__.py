"""WikiArt (refined) as a TFDS data set."""
