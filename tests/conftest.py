from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

_LONGEST_FIRST = (
    *("test_cluster_run.py", "test_demo.py", "test_real_imports.py", "test_mlflow_server.py"),
    *("test_real_classification.py", "test_slim_image.py", "test_plan.py", "test_caching.py"),
    *("test_extract.py", "test_slides.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker ends with one of them alone."""
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks are slower on several threads."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
