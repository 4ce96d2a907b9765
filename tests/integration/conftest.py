"""What holds for every test on real services."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
LEFT_OPEN = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
"""kafka-python leaves sockets to the garbage collector, above all when its broker dies."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings(LEFT_OPEN))
