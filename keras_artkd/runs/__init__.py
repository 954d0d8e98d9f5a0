"""Runs: configuration, training, testing, and the folder they leave."""
