"""The Streamlit app and the notebook of examples/."""

import re

import pytest

from conftest import ROOT

APP = ROOT / "examples" / "streamlit" / "app.py"
NOTEBOOK = ROOT / "examples" / "notebook" / "valence.ipynb"


def words_of(app):
    """All that the app shows, in words."""
    return " ".join(f"{getattr(part, 'value', '')} {getattr(part, 'label', '')}" for part in app.main)


@pytest.fixture
def app():
    testing = pytest.importorskip("streamlit.testing.v1")
    app = testing.AppTest.from_file(str(APP), default_timeout=120).run()
    assert not app.exception
    return app


def test_app_labels_a_text(app):
    app.text_area[0].set_value("I love this, but the battery is terrible!").run()
    assert not app.exception
    assert re.search("positive|negative", words_of(app))
    assert "-background[" in words_of(app)
    app.text_area[0].set_value("").run()
    assert not app.exception and "Enter a text" in words_of(app)


def test_app_labels_a_file(app, reviews):
    app.file_uploader[0].set_value(("reviews.csv", reviews.read_bytes(), "text/csv")).run()
    assert not app.exception
    assert "40 rows labelled" in words_of(app)
    assert "Most positive" in words_of(app) and "Most negative" in words_of(app)
    labelled = app.dataframe[-1].value
    assert list(labelled.columns)[:5] == ["id", "product", "review", "stars", "label"] and len(labelled) == 40


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_app_says_when_a_file_is_of_no_use(app, content):
    app.file_uploader[0].set_value(("x.csv", content, "text/csv")).run()
    assert not app.exception and len(app.error) == 1


def test_app_says_when_a_model_is_not_there(app, tmp_path, tiny):
    app.sidebar.selectbox[0].set_value("A folder of mine").run()
    assert not app.exception and "Enter the folder" in app.info[0].value
    app.sidebar.text_input[0].set_value(str(tmp_path)).run()
    assert not app.exception and "cannot be used" in app.error[0].value
    app.sidebar.text_input[0].set_value(tiny("bert")).run()
    app.text_area[0].set_value("good day").run()
    assert not app.exception and not app.error


def test_notebook_runs(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert sum(cell.cell_type == "code" for cell in notebook.cells) >= 10
