"""Metrics, intervals, differences and cost."""
