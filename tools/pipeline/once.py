"""Steps that are done once a run: the answer is kept, and so is the error of a step that died."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


def once(step: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method that is run once for each object and arguments; an error is raised again as it was."""

    @functools.wraps(step)
    def kept(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        known: dict[Any, tuple[Any, Exception | None]] = vars(self).setdefault("_done", {})
        key = (step.__name__, args, tuple(sorted(kwargs.items())))
        if key not in known:
            try:
                known[key] = step(self, *args, **kwargs), None
            except Exception as error:  # noqa: BLE001 - whatever it was, the step is not tried again
                known[key] = None, error
        answer, failed = known[key]
        if failed is not None:
            raise failed
        return answer  # type: ignore[no-any-return]

    return kept
