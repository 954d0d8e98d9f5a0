"""Pandora 18k as a TFDS data set."""
