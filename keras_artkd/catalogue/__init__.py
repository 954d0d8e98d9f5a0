"""Methods, networks and search spaces by name, without Keras or NumPy."""
