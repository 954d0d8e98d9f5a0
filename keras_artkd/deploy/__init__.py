"""Exports, and classification with exported files."""
