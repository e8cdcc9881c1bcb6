from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.enums import PRIORITIES, PriorityName
from cst_rules import PriorityChoice, choose_priority

DANGER = {"en": ["gas leak", "sinkhole"], "es": ["fuga de gas", "socavón"], "zh": ["煤气泄漏"]}
ADVICE = "Call 911."


@dataclass(frozen=True)
class Category:
    code: str = "pothole"
    priority: PriorityName = "P3"
    dangerous: bool = False
    priority_words: Mapping[PriorityName, Sequence[str]] = field(default_factory=dict)


def _choose(text: str, category: Category | None = None) -> PriorityChoice:
    category = category or Category(priority_words={"P2": ["bike lane"], "P1": ["school bus"]})
    return choose_priority(category, text, danger_words=DANGER, emergency_advice=ADVICE)


def test_without_a_rule_the_default_holds() -> None:
    assert _choose("A hole in the road") == PriorityChoice(
        "P3", "default of category pothole", dangerous=False, advice=None
    )


def test_a_category_word_raises_and_is_named() -> None:
    assert _choose("Hole in the BIKE LANE") == PriorityChoice(
        "P2", 'word "bike lane" of category pothole (P2)', dangerous=False, advice=None
    )
    assert _choose("bike lane, a school bus got stuck").priority == "P1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Gas Leak!", 'danger word "gas leak" (en)'),
        ("a gas-leak", 'danger word "gas leak" (en)'),
        ("gas\n leak", 'danger word "gas leak" (en)'),
        ("SOCAVON en la calle", 'danger word "socavón" (es)'),
        ("un socavo\u0301n", 'danger word "socavón" (es)'),
        ("\uff33\uff29\uff2e\uff2b\uff28\uff2f\uff2c\uff25", 'danger word "sinkhole" (en)'),
        ("街上有煤气泄漏的味道", 'danger word "煤气泄漏" (zh)'),
    ],
)
def test_danger_means_p1_and_advice(text: str, reason: str) -> None:
    assert _choose(text) == PriorityChoice("P1", reason, dangerous=True, advice=ADVICE)


@pytest.mark.parametrize("text", ["gas leaked", "biogas leak", "sinkholes", "gasleak", ""])
def test_parts_of_words_do_not_count(text: str) -> None:
    assert not _choose(text).dangerous


def test_a_dangerous_category_is_p1_whatever_the_text() -> None:
    tree = Category(code="tree_emergency", priority="P2", dangerous=True)
    assert _choose("Branch", tree) == PriorityChoice(
        "P1", "category tree_emergency is dangerous", dangerous=True, advice=ADVICE
    )


def test_characters_of_regular_expressions_are_plain_text() -> None:
    category = Category(priority_words={"P1": ["a.b", "c++ (now)"]})
    assert _choose("axb", category).priority == "P3"
    assert _choose("see c++ (now)", category).priority == "P1"


@given(
    st.sampled_from(PRIORITIES),
    st.booleans(),
    st.text(),
    st.dictionaries(st.sampled_from(PRIORITIES), st.lists(st.text(min_size=1), max_size=3)),
)
def test_rules_never_lower(
    default: PriorityName,
    dangerous: bool,
    text: str,
    words: dict[PriorityName, list[str]],
) -> None:
    choice = _choose(text, Category("c", default, dangerous, words))
    assert choice.priority <= default
    assert (choice.advice is not None) == choice.dangerous
    if dangerous:
        assert choice.priority == "P1"


@given(st.sampled_from(["gas leak", "fuga de gas", "sinkhole"]), st.text(), st.text())
def test_a_danger_word_on_its_own_is_always_found(word: str, before: str, after: str) -> None:
    assert _choose(f"{before} {word} {after}").dangerous
