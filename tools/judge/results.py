"""The words and records of a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from tools.base.errors import Stage
from tools.base.text_enum import TextEnum
from tools.judge.ids import GateId


class Verdict(TextEnum):
    """What one gate ended with; NOT JUDGED where the port states nothing that could be asked for."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_RUN = "NOT RUN"
    NOT_JUDGED = "NOT JUDGED"


class Word(TextEnum):
    """What a whole run ended with; never a stronger word than its evidence allows."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    INCOMPLETE = "INCOMPLETE"
    SIMULATED = "SIMULATED"
    SAMPLE = "SAMPLE"
    UNPINNED = "UNPINNED"


@dataclass(frozen=True)
class Check:
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

    @property
    def hinders(self) -> bool:
        """Whether an acceptance cannot rest on it: anything but PASS, and NOT JUDGED, which asked for nothing."""
        return self.verdict not in (Verdict.PASS, Verdict.NOT_JUDGED)


@dataclass(frozen=True)
class GateResult:
    """A gate of the inventory with its check; `id` carries the batch, as in `host.perf.onnx_to_torch[bs16]`."""

    id: GateId
    stage: Stage
    check: Check


@dataclass(frozen=True)
class RunVerdict:
    """The last word, what qualifies it, and the ids of the gates that failed, are missing, or could not be asked.

    `unpinned` says that no digest tells whose weights these are. `not_judged` gates are neither passed nor missing;
    `remarks` (tools/judge/remarks.py) change nothing and stand beside the word.
    """

    word: Word
    simulated: bool
    sample: bool
    unpinned: bool
    passed: int
    failed: tuple[GateId, ...]
    missing: tuple[GateId, ...]
    not_judged: tuple[GateId, ...]
    remarks: tuple[str, ...] = ()

    @property
    def made_on(self) -> tuple[Word, ...]:
        """What the evidence was made on, where it was not device, published weights and published data."""
        weak = ((Word.SIMULATED, self.simulated), (Word.SAMPLE, self.sample), (Word.UNPINNED, self.unpinned))
        return tuple(word for word, so in weak if so)

    @property
    def banner(self) -> str:
        """The word with what its evidence was made on, e.g. `REJECTED (SIMULATED, SAMPLE)`."""
        others = [word for word in self.made_on if word is not self.word]
        return f"{self.word} ({', '.join(others)})" if others else str(self.word)
