"""Choice of a new request's priority: rules only ever raise the category's default."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cst_contracts.enums import PRIORITIES, PriorityName

# Chinese and Japanese are written without spaces: a word may stand right beside others.
_LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff]"


class CategoryRules(Protocol):
    """What the choice needs to know of a category."""

    @property
    def code(self) -> str: ...
    @property
    def priority(self) -> PriorityName: ...
    @property
    def dangerous(self) -> bool: ...
    @property
    def priority_words(self) -> Mapping[PriorityName, Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class PriorityChoice:
    """A chosen priority; ``reason`` names the rule that fired, ``advice`` is for the citizen."""

    priority: PriorityName
    reason: str
    dangerous: bool
    advice: str | None


def choose_priority(
    category: CategoryRules,
    text: str,
    *,
    danger_words: Mapping[str, Sequence[str]],
    emergency_advice: str | None = None,
) -> PriorityChoice:
    """Choose the priority of a request of ``category`` described by ``text``.

    Danger words (lists by language, all of them searched since nobody knows the text's language)
    and dangerous categories mean P1; a category's own words raise to the level they are listed
    under. Words match whole, whatever their case or accents. The highest level wins; of equal
    ones the rule that says most: danger word, dangerous category, category word, default.

    Returns ``advice`` only where there is danger.
    """
    danger = next(_danger_reasons(category, text, danger_words), None)
    if danger is not None:
        return PriorityChoice("P1", danger, dangerous=True, advice=emergency_advice)
    priority, reason = min(
        _category_choices(category, text), key=lambda choice: PRIORITIES.index(choice[0])
    )
    return PriorityChoice(priority, reason, dangerous=False, advice=None)


def _danger_reasons(
    category: CategoryRules, text: str, danger_words: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for language, words in danger_words.items():
        if word := find_word(text, words):
            yield f'danger word "{word}" ({language})'
    if category.dangerous:
        yield f"category {category.code} is dangerous"


def _category_choices(category: CategoryRules, text: str) -> Iterator[tuple[PriorityName, str]]:
    for priority, words in category.priority_words.items():
        if word := find_word(text, words):
            yield priority, f'word "{word}" of category {category.code} ({priority})'
    yield category.priority, f"default of category {category.code}"


def find_word(text: str, words: Sequence[str]) -> str | None:
    """Return the first of ``words`` in the order listed that occurs whole in ``text``, else None.

    Case, accents and the kind of space or hyphen between the words of a phrase do not matter.
    """
    folded = _fold(text)
    # One search tells that nothing occurs, which is nearly always so.
    if not words or not _any_of(tuple(words)).search(folded):
        return None
    return next(word for word in words if _any_of((word,)).search(folded))


@lru_cache(maxsize=4096)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    phrases = "|".join(map(_phrase, words))
    return re.compile(rf"(?<!{_LETTER})(?:{phrases})(?!{_LETTER})")


def _phrase(word: str) -> str:
    parts = re.split(r"[\s-]+", _fold(word).strip())
    return r"[\s-]+".join(map(re.escape, parts))


def _fold(text: str) -> str:
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
