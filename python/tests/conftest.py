import pathlib

import pytest

import valence

ROOT = pathlib.Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "models"


@pytest.fixture(scope="session")
def classify():
    return valence.pipeline("sentiment-analysis")


@pytest.fixture(scope="session")
def analyzer():
    return valence.Analyzer()


@pytest.fixture(scope="session")
def tiny():
    """Folders of tiny models with random weights: bert, distilbert, …"""
    return lambda name: str(TINY / name)


@pytest.fixture(scope="session")
def reviews():
    return ROOT / "examples" / "reviews.csv"
