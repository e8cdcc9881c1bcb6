"""What Python's garbage collector has to look at."""

from __future__ import annotations

import gc

#: Objects that are made, less those that are gone, before the collector looks through the new ones.
NEW_OBJECTS = 50_000


def collect_less() -> None:
    """Have less looked through for garbage; to be called once a process is made up.

    Its modules, models and routes are some hundred thousand objects that stay as long as it lives,
    and documents and events hold no cycles: looking for some in all of them, again and again, took
    a quarter of a consumer's time and a fifth of an import's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
