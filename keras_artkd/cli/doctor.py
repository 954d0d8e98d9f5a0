"""Find problems in a folder of labelled images.

  artkd doctor FOLDER
  artkd doctor FOLDER --json > diagnosis.json
  artkd doctor FOLDER --page doctor.html
  artkd doctor FOLDER --fix-list exclude.txt
  artkd train FOLDER --data-options exclude exclude.txt

FOLDER holds one sub-folder a class. The command finds unreadable files, the
same picture in two classes (one label is wrong), nearly the same in two classes
(look at these two), copies in a class (equal, or nearly equal: encoded again,
resized, brightened, slightly cropped, mirrored), tiny images, images that their
extension hides, and classes that are empty or too small to be split. Pictures
of clearly other colours are no copies, however alike their forms are.

The exit status is 0 without such problems, 1 with them, and 2 for input that
cannot be used. Imbalance, classes with few images and other notes are shown,
but do not change the status.

--page writes an HTML page that shows what was found, pictures side by side.
--json prints an object: healthy (true or false), data_dir, short_side, images,
excluded, classes, imbalance, counts, findings, notes and exclusions. The
documentation of keras_artkd.doctor.Diagnosis explains them.
"""

import argparse
import json
import shlex
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument("folder", help="one sub-folder a class")
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON"
    )
    parser.add_argument(
        "--fix-list",
        metavar="FILE",
        help="write a list of files to exclude: unreadable files, all copies "
        "of a picture in a class but the largest, every file of a picture that "
        "is the very same in two classes; what is only nearly the same in two "
        "classes stays: look at it",
    )
    parser.add_argument(
        "--page",
        metavar="FILE",
        type=_html_file,
        help="write an HTML page that shows what was found, with the pictures "
        "inside",
    )
    parser.add_argument(
        "--exclude",
        metavar="FILE",
        help="leave out the files of such a list, as in training with it",
    )
    parser.add_argument(
        "--min-side",
        type=int,
        default=64,
        metavar="PIXELS",
        help="images with a shorter side below this are tiny (64)",
    )
    parser.add_argument(
        "--short-side",
        type=int,
        default=72,
        metavar="PIXELS",
        help="pictures are equal if they are equal at this size; training "
        "loads images at 1.125 times --image-size (72)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the diagnosis; returns 1 if there is a problem, otherwise 0."""
    # Imported here: --help does not need NumPy.
    from keras_artkd.datasets.exclusions import write_exclusions
    from keras_artkd.doctor import examine
    from keras_artkd.doctor.text import count_images, describe, sections

    diagnosis = examine(
        arguments.folder,
        short_side=arguments.short_side,
        min_side=arguments.min_side,
        exclude=arguments.exclude,
        progress=_show_progress if sys.stderr.isatty() else None,
    )
    if arguments.fix_list:
        write_exclusions(
            arguments.fix_list,
            diagnosis.exclusions,
            title="To exclude, found by artkd doctor",
        )
    if arguments.page:
        # It needs Jinja2; the rest of the command does not.
        from keras_artkd.report.findings import write_findings

        write_findings(
            arguments.page,
            arguments.folder,
            count_images(diagnosis),
            sections(diagnosis),
        )
    if arguments.json:
        # File names may be not Unicode: everything but ASCII is escaped.
        print(json.dumps(diagnosis.document(), indent=1))
    else:
        print("\n".join(describe(diagnosis)))
        if arguments.fix_list:
            count = len(diagnosis.exclusions)
            print(f"\n{count:,} files to exclude: {arguments.fix_list}")
        if arguments.page:
            print(f"\npictures of what was found: {arguments.page}")
        if not diagnosis.healthy and not (arguments.page or arguments.fix_list):
            _print_next(arguments.folder, len(diagnosis.exclusions))
    return 0 if diagnosis.healthy else 1


def _print_next(folder: str, exclusions: int) -> None:
    """What to type to see the pictures, and to leave out what is sure."""
    quoted = shlex.quote(folder)
    print(f"\nNext: artkd doctor {quoted} --page doctor.html, to see them")
    if exclusions:
        print(
            f"      artkd doctor {quoted} --fix-list exclude.txt, a list of "
            f"{exclusions:,} to leave out;\n"
            f"      artkd train {quoted} --data-options exclude exclude.txt"
        )


def _html_file(name: str) -> str:
    """Rejects what may be the name of an image: it would be replaced."""
    if not name.lower().endswith((".html", ".htm")):
        raise argparse.ArgumentTypeError(
            f"The page must be an HTML file. Received: {name}. Fix: a name "
            "that ends in .html"
        )
    return name


def _show_progress(done: int, total: int) -> None:
    """Writes the progress over the last line."""
    if done % 64 == 0 or done == total:
        end = "\n" if done == total else ""
        print(f"\r{done:,} of {total:,} read", end=end, file=sys.stderr)
