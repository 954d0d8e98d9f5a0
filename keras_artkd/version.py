"""The package version, alone so that building reads it without importing."""

__version__ = "0.1.0"
