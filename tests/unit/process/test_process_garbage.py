"""What the collector leaves alone, and what it still finds."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from cst_process.garbage import collect_less


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_left_alone_and_what_comes_later_is_not() -> None:
    known = gc.get_freeze_count()
    collect_less()
    assert gc.get_freeze_count() > known
    later = weakref.ref(Knot())
    assert later() is not None
    gc.collect()
    assert later() is None


def test_what_was_garbage_already_is_not_kept() -> None:
    before = weakref.ref(Knot())
    collect_less()
    assert before() is None
