"""CSV tables as a person would read and correct them."""

import csv


def read_table(path):
    """The rows as dicts of column -> str."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_table(path, rows):
    """Writes rows of the same columns."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
