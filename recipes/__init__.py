"""Recipes: one data set a file, one runner for all."""
