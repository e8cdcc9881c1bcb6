from __future__ import annotations

import pytest

from cst_http.etags import has_already


@pytest.mark.parametrize(
    "header", ['"a"', 'W/"a"', '"x", "a"', '"x","a" , W/"y"', 'W/"x", W/"a"', "*", " * "]
)
def test_a_caller_has_what_it_names(header: str) -> None:
    assert has_already(header, "a")


@pytest.mark.parametrize(
    "header", [None, "", "a", '"A"', '"ab"', '"x"', "W/a", '"a', '"x, a"', "**", '"\u20aca"']
)
def test_a_caller_does_not_have_what_it_does_not_name(header: str | None) -> None:
    assert not has_already(header, "a")
