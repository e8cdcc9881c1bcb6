from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from cst_city.checks import overlaps
from cst_city.models import Shift

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HALF_HOURS = [f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30")]

shifts = st.lists(
    st.tuples(
        st.sampled_from(DAYS), st.lists(st.sampled_from(HALF_HOURS), min_size=2, max_size=2)
    ).filter(lambda item: item[1][0] != item[1][1]),
    max_size=5,
).map(lambda items: tuple(Shift(day=day, start=a, end=b) for day, (a, b) in items))


def _half_hours(shift: Shift) -> set[int]:
    """The half hours of the week that a shift takes, one by one."""
    step = DAYS.index(shift.day) * 48 + HALF_HOURS.index(shift.start)
    taken: set[int] = set()
    while not taken or step % 48 != HALF_HOURS.index(shift.end):
        taken.add(step % (7 * 48))
        step += 1
    return taken


@given(shifts)
def test_overlaps_are_the_common_half_hours(found: tuple[Shift, ...]) -> None:
    expected = [
        second
        for (_, one), (second, other) in combinations(enumerate(found), 2)
        if _half_hours(one) & _half_hours(other)
    ]
    assert [position for position, _ in overlaps(found)] == expected
