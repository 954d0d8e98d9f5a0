import pytest

from keras_artkd.report import write_report
from tests.report.pages import read_page
from tests.report.runs import write_run


@pytest.fixture(scope="session")
def seventeen(tmp_path_factory):
    """A run of seventeen classes with its report, and that page."""
    run = write_run(tmp_path_factory.mktemp("seventeen") / "run", 17)
    return run, read_page(write_report(run))
