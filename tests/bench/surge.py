"""Batch mode against greedy dispatch in a simulated storm: travel and lateness, and a plan's time.

``python -m tests.bench.surge``. Both modes work off the same storms, each of 2,000 requests within
one hour, from a seed of its own; ``--rows 2000`` is one storm. It needs no stack.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import timedelta

from cst_dispatch.domain.batch import Crew, plan
from cst_testkit.storm import START, Storm, storm
from cst_testkit.surge import Outcome, simulate

DEFAULT_SEED, FURTHER_SEEDS = 1, range(2, 9)
STORM = 2_000
CREWS, ROOM = 300, 4


def _both(city: Storm) -> tuple[Outcome, Outcome]:
    return simulate(city, batch=False), simulate(city, batch=True)


def _ratios(greedy: Outcome, batch: Outcome) -> str:
    late = batch.lateness_hours / greedy.lateness_hours if greedy.lateness_hours else 1.0
    return f"x{batch.travel_km / greedy.travel_km:.2f} km   x{late:.2f} h late"


def _row(name: str, outcome: Outcome) -> str:
    return (
        f"  {name:<8}{outcome.travel_km:>10,.0f} km{outcome.lateness_hours:>10,.1f} h late"
        f"{outcome.late:>7,} late of {outcome.done:,} done"
        f"   longest wait {outcome.longest_wait_hours:.1f} h"
    )


def _surges(rows: int, storms: int) -> None:
    city = storm(DEFAULT_SEED, rows)
    greedy, batch = _both(city)
    print(
        f"\nA storm of {rows:,} requests in an hour, {len(city.staff)} crews, seed {DEFAULT_SEED}"
    )
    print(_row("greedy", greedy), _row("batch", batch), sep="\n")
    print(f"  batch to greedy   {_ratios(greedy, batch)}   ({batch.plans:,} plans)")
    for seed in FURTHER_SEEDS[: storms - 1]:
        greedy, batch = _both(storm(seed, rows))
        print(
            f"  seed {seed}: {greedy.travel_km:,.0f} -> {batch.travel_km:,.0f} km,"
            f" {greedy.lateness_hours:,.1f} -> {batch.lateness_hours:,.1f} h late"
            f"   {_ratios(greedy, batch)}"
        )


def _one_plan(rows: int) -> None:
    """Time one plan of all requests of a storm, an hour after its beginning."""
    city = storm(DEFAULT_SEED, rows, CREWS)
    crews = [Crew(person.code, 0, ROOM, person.home) for person in city.staff]
    waiting, fits = [damage.request for damage in city.damages], city.fits()
    start = time.perf_counter()
    given = plan(waiting, crews, fits, START + timedelta(hours=1))
    spent = time.perf_counter() - start
    print(
        f"  one plan of {rows:,} requests and {CREWS} crews with room {ROOM}: {spent:.2f} s,"
        f" {len(given):,} given"
    )


def main() -> None:
    """Read ``--rows``, how many requests in all, and print: each storm has up to 2,000."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=STORM * (1 + len(FURTHER_SEEDS)))
    rows = parser.parse_args().rows
    _surges(min(rows, STORM), max(1, rows // STORM))
    _one_plan(min(rows, STORM))


if __name__ == "__main__":
    main()
