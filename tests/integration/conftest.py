"""What holds for every test on real services."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LEFT_OPEN = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
"""kafka-python leaves sockets to the garbage collector, above all when its broker dies."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings(LEFT_OPEN))


@pytest.fixture(autouse=True)
def _sockets_are_collected() -> Iterator[None]:
    """While the filter above holds: it does not at the end of the session."""
    yield
    for _ in range(3):
        gc.collect()
