"""What the injector puts into topics: anything that nobody can read, and that can be sent."""

from __future__ import annotations

import random

from cst_testkit.faults.garbage import malformed


def test_every_malformed_record_can_be_sent() -> None:
    records = [malformed(random.Random(seed)) for seed in range(2_000)]
    assert (None, None) not in records  # the client refuses it, which would end the run
    assert (b"", None) in records
    assert any(key is None for key, _ in records)
