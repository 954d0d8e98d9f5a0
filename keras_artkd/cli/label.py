"""Label pictures of a run that nobody has labelled, in the browser.

  artkd label RUN
  artkd label RUN --port 8002 --no-browser

RUN is the folder of a run that learns from images without labels. Its
pseudo_labels.csv begins with the pictures of which a label tells the most: the
page shows them one after the other, with the expert's guesses. Keys 1 to 9
choose a guess, / another class, 0 leaves the picture out, space skips it, u
takes the last answer back. Each answer is saved at once, into the table, or
where the run has learned from that already, into corrected_labels.csv beside
it. Ctrl-C or Finish ends it, and says what to type to train with the labels;
the same command goes on where you left.

The page is there for this machine alone, at an address with a secret in it that
is another at each start. From elsewhere: ssh -L 8001:127.0.0.1:8001 HOST.
"""

import argparse
import os
import sys
import webbrowser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument(
        "run",
        metavar="RUN",
        help="folder of a run that learns from images without labels",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8001,
        help="of this machine, where the page is; 0 takes any that is free "
        "(8001)",
    )
    parser.add_argument(
        "--no-browser",
        action="store_true",
        help="print the address, and open nothing",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serves the page until it is ended."""
    # Imported here: --help needs no NumPy.
    import pathlib

    from keras_artkd.label.pictures import Pictures
    from keras_artkd.label.server import LabelServer
    from keras_artkd.label.session import Session, find_tables
    from keras_artkd.run_folder import RunFolder
    from keras_artkd.runs.claims import claimed
    from keras_artkd.runs.commands import with_labels

    folder = RunFolder(pathlib.Path(arguments.run).resolve())
    # Before the claim: what is no run gets no lock beside it.
    find_tables(folder)
    with claimed(folder):
        session = Session(folder)
        pictures = Pictures(session.load, session.images)
        then = with_labels(folder.command or "artkd train", session.table)
        with LabelServer(session, pictures, arguments.port, then) as server:
            print(f"Label at {server.url}")
            print("Every answer is saved at once. Ctrl-C ends.")
            if not arguments.no_browser and _has_screen():
                webbrowser.open(server.url)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print()
    state = session.state()
    skipped = f", {state['later']:,} skipped" if state["later"] else ""
    print(f"{state['done']:,} of {state['total']:,} labelled{skipped}")
    if session.table.exists():
        print(f"  {session.table}")
        print(f"  to learn from it: {then}")
    return 0


def _has_screen() -> bool:
    """Whether a browser would be a window, not something in the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
