"""Contact sheets: `python -m keras_artkd.datasets.atelier X.png`."""

import argparse

from keras_artkd.datasets.atelier import STYLES, SUBJECTS, contact_sheet


def main() -> None:
    """Reads the command line and writes the sheet."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_artkd.datasets.atelier",
        description="Paints scenes in every style on one sheet.",
    )
    parser.add_argument("sheet", help="image file to write, such as SHEET.png")
    parser.add_argument(
        "--scenes",
        type=int,
        nargs="+",
        default=list(range(len(SUBJECTS))),
        help="scene numbers, one of each subject if not given",
    )
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--styles", nargs="+", default=STYLES, choices=STYLES)
    options = parser.parse_args()
    sheet = contact_sheet(options.scenes, options.size, options.styles)
    sheet.save(options.sheet)


if __name__ == "__main__":
    main()
