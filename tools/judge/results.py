"""The words and records of a verdict."""

from __future__ import annotations

import enum

import msgspec

from tools.base.errors import Stage


class Verdict(enum.StrEnum):
    """What one gate ended with."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_RUN = "NOT RUN"


class Word(enum.StrEnum):
    """What a whole run ended with; never a stronger word than its evidence allows."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    INCOMPLETE = "INCOMPLETE"
    SIMULATED = "SIMULATED"
    SAMPLE = "SAMPLE"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Results are immutable and serialise to JSON as they stand."""


class Check(Record, frozen=True):
    """One comparison: the measured value, the bound in words, and what follows.

    `headroom` is how far inside the bound the value lies, in `unit` (negative outside, None where the comparison has
    no distance); `detail` explains a verdict other than PASS.
    """

    measured: float | str
    threshold: str
    unit: str
    verdict: Verdict
    headroom: float | None = None
    detail: str = ""
    source: str = ""

    @property
    def passed(self) -> bool:
        """True only for PASS."""
        return self.verdict is Verdict.PASS


class GateResult(Record, frozen=True):
    """A gate of the inventory with its check; `id` carries the batch, as in `host.perf.onnx_to_torch[bs16]`."""

    id: str
    stage: Stage
    check: Check


class RunVerdict(Record, frozen=True):
    """The last word, what qualifies it, and the ids of the gates that failed or are still owed."""

    word: Word
    simulated: bool
    sample: bool
    passed: int
    failed: tuple[str, ...]
    owed: tuple[str, ...]

    @property
    def banner(self) -> str:
        """The word with what its evidence was made on, e.g. `REJECTED (SIMULATED, SAMPLE)`."""
        made_on = [word for word, so in ((Word.SIMULATED, self.simulated), (Word.SAMPLE, self.sample)) if so]
        others = [word for word in made_on if word is not self.word]
        return f"{self.word} ({', '.join(others)})" if others else str(self.word)
