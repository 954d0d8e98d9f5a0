"""A page to label pictures on, one after the other; see `artkd label`."""
