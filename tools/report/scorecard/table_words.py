"""What the library of the sortable tables says by itself, put into a language."""

from __future__ import annotations

from typing import Any

from tools.base.messages import Catalogue

_ALIKE = {"equal": "Equals", "notEqual": "Does not equal", "empty": "Empty", "notEmpty": "Not empty"}
_TEXTS: dict[str, Any] = {
    "info": "_TOTAL_ rows",
    "infoEmpty": "no rows",
    "infoFiltered": "of _MAX_",
    "search": "Search:",
    "emptyTable": "there are no rows",
    "zeroRecords": "no row is like that",
    "columnControl": {
        "dropdown": "More",
        "orderAsc": "Sort ascending",
        "orderDesc": "Sort descending",
        "list": {
            "all": "Select all",
            "none": "Deselect all",
            "search": "Search…",
            "empty": "Empty",
        },
        "search": {
            "text": {
                **_ALIKE,
                "contains": "Contains",
                "notContains": "Does not contain",
                "starts": "Starts with",
                "ends": "Ends with",
            },
            "number": {
                **_ALIKE,
                "greater": "Greater than",
                "greaterOrEqual": "At least",
                "less": "Less than",
                "lessOrEqual": "At most",
            },
            "datetime": {**_ALIKE, "greater": "After", "less": "Before"},
        },
    },
}
"""By the names under which DataTables and its ColumnControl look for them."""


def table_words(language: Catalogue) -> dict[str, Any]:
    """All of them in a language."""
    return {name: _said(text, language) for name, text in _TEXTS.items()}


def _said(text: Any, language: Catalogue) -> Any:  # noqa: ANN401 - a tree of texts
    if isinstance(text, dict):
        return {name: _said(below, language) for name, below in text.items()}
    return language.head(text)
