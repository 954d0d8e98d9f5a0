"""The commands of `artkd`, one a file: `add_arguments` and `run`."""
