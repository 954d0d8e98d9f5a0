"""Recipes to start with `python -m recipes.NAME`, from a checkout.

Each is a thin module around `artkd`; its settings are a preset of the package,
`keras_artkd/runs/presets/NAME.py`.
"""
