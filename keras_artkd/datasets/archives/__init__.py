"""Archives that are downloaded by hand: a TFDS builder each, and loaders."""
