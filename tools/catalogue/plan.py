"""What is to be done about each port, decided before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

from tools.base.errors import SuiteError
from tools.catalogue.asked import Asked
from tools.catalogue.child import Due
from tools.catalogue.entry import Entry
from tools.catalogue.kept import Evidence, Finished, kept_or_why
from tools.catalogue.rows import Row, State
from tools.judge.verify import REFUSED

AGAIN = "as asked (--again)"


@dataclass(frozen=True)
class Kept:
    """A port that is judged already, on what it would be judged on now: the run that did so, and what it left."""

    entry: Entry
    finished: Finished
    evidence: Evidence


Step = Due | Kept | Row


def step(entry: Entry, asked: Asked, *, again: bool) -> Step:
    """To be judged, judged already, or a row of its own: a port that does not load, or has no checkpoint."""
    try:
        setup = asked.setup(entry)
        found = AGAIN if again else kept_or_why(entry, setup, asked)
    except (SuiteError, OSError, SyntaxError) as error:  # a module beside the port may be no Python
        return Row(entry.name, str(entry.file), State.REFUSED, status=REFUSED, said=str(error))
    return Due(entry, setup, found) if isinstance(found, str) else Kept(entry, *found)


def lines(step: Step) -> list[str]:
    """What is said of it before anything is run."""
    if isinstance(step, Row):
        return [f"{step.port}: refused: {step.said}"]
    if isinstance(step, Kept):
        return [f"{step.entry.name}: judged already, nothing changed"]
    return [f"{step.entry.name}: to be judged: {step.why}"]
