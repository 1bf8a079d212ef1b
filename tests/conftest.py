"""What the test files share by name."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def no_plots() -> Iterator[None]:
    """Train without the report's plots, a third of a small training (test_train_run.py looks at them)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.report._plots", lambda *_: [])
        yield
