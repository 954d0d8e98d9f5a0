"""A run's student as a page: the network runs in the browser that shows it.

`page/` holds the page's own files. They know nothing of a run: classes and
preprocessing are read from `keras_artkd.json` beside the model.
"""
