"""The search of a recipe's settings with Keras Tuner."""
