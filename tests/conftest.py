"""What the test files share by name."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

expect.set_options(timeout=30_000)  # a busy machine takes its time


@pytest.fixture(scope="module")
def no_plots() -> Iterator[None]:
    """Train without the report's plots, a third of a small training (test_train_run.py looks at them)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.report._plots", lambda *_: [])
        yield
