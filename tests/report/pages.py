"""Pages of reports, as HTML and parsed."""

import html.parser
import xml.etree.ElementTree as ElementTree
from unittest import mock

from keras_artkd.report.figures import Drawing, draw_run
from keras_artkd.report.page import run_page
from keras_artkd.report.run import read_run


class Page(html.parser.HTMLParser):
    """Tags, attributes, and text of a page without its style."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.words, self.depth = [], [], 0
        self.feed(source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.depth += tag == "style"

    def handle_endtag(self, tag):
        self.depth -= tag == "style"

    def handle_data(self, data):
        if not self.depth:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def read_page(path):
    """Parses an HTML file."""
    return Page(path.read_text(encoding="utf-8"))


def render(run_dir):
    """HTML of a run's report, without the time to write its PNG files."""
    run = read_run(run_dir)
    return run_page(run, draw_run(run))


def draft(run_dir):
    """The parsed report of a run, without the time to render figures."""
    with mock.patch.object(Drawing, "svg", ""):
        return Page(render(run_dir))


def svg_texts(svg):
    """The texts of an SVG image."""
    root = ElementTree.fromstring(svg)
    return [
        "".join(e.itertext()) for e in root.iter() if e.tag.endswith("text")
    ]
