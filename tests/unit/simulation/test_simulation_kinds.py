"""Texts and hours."""

from __future__ import annotations

from datetime import datetime, timedelta

from cst_city import Category
from cst_rules.priority import find_word
from cst_simulation.hours import activity, tilt
from cst_simulation.kinds import kind_of
from cst_testkit.cities import new_york

MONDAY = datetime(2026, 11, 23)


def test_each_category_of_new_york_has_words_of_its_own() -> None:
    texts = [text for category in new_york().categories for text in kind_of(category).texts]
    assert len(texts) == len(set(texts))
    assert all(
        len(kind_of(category).texts) >= 3 or category.code == "abandoned_vehicle"
        for category in new_york().categories
    )


def test_only_texts_of_danger_hold_danger_words() -> None:
    words = [word for listed in new_york().spec.danger_words.values() for word in listed]
    for category in new_york().categories:
        kind = kind_of(category)
        assert all(find_word(text, words) for text in kind.danger), category.code
        assert not any(find_word(text, words) for text in kind.texts), category.code


def test_a_category_nobody_described_is_reported_by_its_name() -> None:
    category = Category.model_validate(
        {
            "code": "street_piano",
            "name": "Street piano out of tune",
            "department": "ARTS",
            "skills": ["music"],
            "priority": "P4",
            "public": "exact",
        }
    )
    assert all("Street piano out of tune" in text for text in kind_of(category).texts)


def test_activity_is_smooth_over_the_week() -> None:
    minutes = [MONDAY + timedelta(minutes=n) for n in range(7 * 24 * 60)]
    values = [activity(minute) for minute in minutes]
    assert max(values) == 1.0
    assert min(values) > 0
    jumps = [abs(b - a) for a, b in zip(values, values[1:] + values[:1], strict=True)]
    assert max(jumps) < 0.01


def test_noise_belongs_to_the_night() -> None:
    assert tilt("night", MONDAY.replace(hour=23)) > 3 * tilt("night", MONDAY.replace(hour=12))
    assert tilt("day", MONDAY.replace(hour=23)) < tilt("day", MONDAY.replace(hour=12))
