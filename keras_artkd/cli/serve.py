"""Show a run's student as a page, in a browser of this machine.

  artkd serve saved_models/folder/RUN
  artkd serve RUN --port 9000

Serves the folder that `artkd export RUN --format web` writes, and writes it
first if it is not there. Nothing but this machine reaches the server, and the
server reads nothing but that folder. Ctrl-C ends it.
"""

import argparse
import pathlib


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command line."""
    parser.add_argument(
        "run",
        metavar="RUN",
        help="folder of a finished run, or of a page that was exported",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8000,
        metavar="N",
        help="of the address (8000); 0 for any that is free",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is interrupted."""
    from keras_artkd.deploy.web.page import is_page
    from keras_artkd.deploy.web.serving import make_server

    folder = pathlib.Path(arguments.run)
    if not is_page(folder):
        folder = _page_of(folder)
    with make_server(folder, arguments.port) as server:
        print(f"{folder}: {server.url} (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def _page_of(folder: pathlib.Path) -> pathlib.Path:
    """The page of a run, written if it is not there."""
    from keras_artkd.deploy.bundles import write_bundle
    from keras_artkd.deploy.finished_run import check_finished
    from keras_artkd.deploy.web.page import is_page

    page = check_finished(folder, "a page or ").path / "web"
    if not is_page(page):
        print("Exporting the page ...")
        write_bundle("web", folder)
    return page
