"""The offline judge: does the evidence in a bundle carry the verdict that is written on it?

It checks the manifest, recomputes every figure, judges every gate again from the facts, predictions and raw samples in
the bundle, and names each disagreement. Several bundles (an accuracy job, a perf job) are judged as one run when they
speak of the same model, data and machine; of a gate that several decided the worst answer counts.

Exit status: 0 when everything recomputes and the last word is ACCEPTED, UNPINNED, SAMPLE or SIMULATED, and none that
--require calls too weak; 1 when it recomputes and is weaker; 2 when a bundle is damaged, altered, contradicts itself,
is given twice, or is not understood.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Callable, Tuple

from tools.base.errors import SuiteError
from tools.base.help import Help
from tools.base.language import catalogue, language
from tools.base.messages import ENGLISH
from tools.base.printable import on_any_terminal, printable
from tools.base.variables import require_known
from tools.judge import records
from tools.judge.again import Judged, compare_gates, judge_gates
from tools.judge.bundle import Bundle, open_files, read_bundle
from tools.judge.consistency.everything import check_figures
from tools.judge.differences import differences
from tools.judge.documents import read_spec, spec_digest
from tools.judge.files import Files, Refused, read_whole
from tools.judge.gate import Basis
from tools.judge.gates import asked_of, expected
from tools.judge.ids import PTH
from tools.judge.lines import table, verdict_lines
from tools.judge.pages import check_pages
from tools.judge.remarks import remarks
from tools.judge.results import GateResult, RunVerdict, Word
from tools.judge.run import judge_run
from tools.judge.several import disagreements, merge
from tools.judge.shipped import holds_sample, shipped_port, spec_words
from tools.judge.signature import Signers
from tools.judge.spec import Spec
from tools.judge.wanted import Wanted, utc

OK, NOT_GOOD_ENOUGH, REFUSED = 0, 1, 2
GOOD_WORDS = (
    Word.SIMULATED,
    Word.SAMPLE,
    Word.UNPINNED,
    Word.ACCEPTED,
)  # the weakest first, as judge_run settles for them
ANY = Wanted()
NOBODY = Signers()
OWN_PORT = [
    "  what was judged by is spec.json; YAML is not read here, and the files in port/ are not the suite's own:",
    "  `python tools/report_bundle.py BUNDLE` holds the two against each other",
]
Source = Tuple[str, Callable[[], Files]]
"""A bundle's name, and how to open its files."""


@dataclass(frozen=True)
class Outcome:
    """What is printed, the exit status, and the last word where one was given.

    `own_port` where it was judged by a port that is neither the suite's own nor the one that the reader named.
    `verdict` and `bundles` are what the word is of and rests on, None and none where the evidence does not hold.
    """

    lines: list[str]
    status: int
    word: Word | None = None
    own_port: bool = False
    verdict: RunVerdict | None = field(default=None, compare=False)
    bundles: tuple[Bundle, ...] = field(default=(), compare=False)

    def requiring(self, weakest: Word) -> Outcome:
        """The outcome where a good word is not good enough when it is weaker than this one."""
        if self.word not in GOOD_WORDS:
            return self
        if GOOD_WORDS.index(self.word) < GOOD_WORDS.index(weakest):
            said = f"--require {weakest}: {self.word} is weaker"
        elif weakest is Word.ACCEPTED and self.own_port:
            said = f"--require {weakest}: not by a port of one's own, unless you name it with --port FILE"
        else:
            return self
        return replace(self, lines=[*self.lines[:-1], said, self.lines[-1]], status=NOT_GOOD_ENOUGH)

    @property
    def text(self) -> str:
        """The lines for a terminal."""
        return "\n".join(map(printable, self.lines))


def verify(
    sources: Sequence[Source], other: Spec | None, said: str = "", wanted: Wanted = ANY, signers: Signers = NOBODY
) -> Outcome:
    """Judge bundles as one run; `other` is the spec to judge by instead, and `said` the words for it.

    Bundles of other runs than those that are `wanted`, or not signed by `signers` where any are named, are refused.
    """
    bundles: list[Bundle] = []
    judged: list[list[Judged]] = []
    problems: list[str] = []
    signed: list[str] = []
    for name, files in sources:
        try:
            bundle = read_bundle(name, files())
            signed.append(f"bundle {name}: {signers.line(bundle.files)}")
            judged.append(_judge(bundle, other))
        except (Refused, SuiteError, OSError) as error:
            problems.append(f"{name}: {error}")
            continue
        except (ArithmeticError, RecursionError) as error:
            problems.append(f"{name}: its numbers or its nesting are beyond what any run writes: {error}")
            continue
        bundles.append(bundle)
        problems += [f"{name}: {problem}" for problem in bundle.problems]
    if not problems and len(bundles) > 1:
        problems = disagreements(bundles, judged)
    if not problems:
        problems = wanted.problems(bundles)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        return Outcome([*problems, f"VERDICT: NONE - the evidence does not hold ({count})"], REFUSED)
    return _last_word(bundles, judged, other, [*signed, f"judged by: {said or _recorded_spec(bundles)}"])


def _judge(bundle: Bundle, other: Spec | None) -> list[Judged]:
    """Hold a bundle against itself by its own spec; the answers are by `other` where one is given."""
    judged = judge_gates(bundle)
    compare_gates(bundle, judged)
    check_figures(bundle)
    check_pages(bundle)
    _compare_verdict(bundle)
    return judged if other is None else judge_gates(bundle.judged_by(other))


def _compare_verdict(bundle: Bundle) -> None:
    """The recorded last word against the one that the recorded gates allow."""
    ours = _word_over(bundle.record.gates, [bundle], bundle.spec)
    recorded = records.plain(bundle.record.verdict)
    bundle.problems += differences(recorded, records.plain(ours), "acceptance.json.verdict")


def _word_over(results: Sequence[GateResult], bundles: Sequence[Bundle], spec: Spec) -> RunVerdict:
    return judge_run(
        expected(asked_of(spec, bundles)),
        results,
        sample=any(_is_sample(bundle, spec) for bundle in bundles),
        simulated=any(_is_simulated(bundle) for bundle in bundles),
        unpinned=not spec.checkpoint.pinned,
        remarks=_remarks(bundles, spec),
        interrupted=any(bool(bundle.record.interrupted) for bundle in bundles),
    )


def _remarks(bundles: Sequence[Bundle], spec: Spec) -> list[str]:
    """What stands beside the word of any of the bundles, each once."""
    said = (line for one in bundles for line in _remarks_of(one, spec))
    return list(dict.fromkeys(said))


def _remarks_of(bundle: Bundle, spec: Spec) -> tuple[str, ...]:
    record = bundle.record
    dataset = None if record.dataset is None else bundle.judged_by(spec).dataset()
    reference = next((variant for variant in record.variants if variant.name == PTH), None)
    return remarks(
        spec,
        dataset,
        record.recipe,
        record.parity,
        reference,
        record.onnx_operators,
        record.reused,
        record.handed_in,
        record.onnx_weights,
        jpegs=record.jpegs,
        made=record.reference,
        probe=record.reference_probe,
        on_device=bundle.on_device,
    )


def _is_sample(bundle: Bundle, spec: Spec) -> bool:
    """Whether any part is the embedded sample's: its port, its images, its checkpoint, both by content."""
    dataset, checkpoint = bundle.record.dataset, bundle.record.checkpoint
    by_content = holds_sample(
        None if checkpoint is None else checkpoint.content_sha256, None if dataset is None else dataset.images_sha256
    )
    of_sample = by_content or (dataset is not None and dataset.embedded_sample)
    return spec.kind == "sample" or of_sample or bundle.record.verdict.sample


def _is_simulated(bundle: Bundle) -> bool:
    """Whether offline models ran on the simulator."""
    return not bundle.on_device and any(result.id.startswith("om.") for result in bundle.record.gates)


def _last_word(
    bundles: Sequence[Bundle], judged: Sequence[list[Judged]], other: Spec | None, said: Sequence[str]
) -> Outcome:
    """The table and the verdict over bundles that hold."""
    spec = other or bundles[0].spec
    merged = merge(asked_of(spec, bundles), judged)
    results = [entry.result for entry in merged]
    verdict = _word_over(results, bundles, spec)
    lines = [*table(results), "", *_basis_lines(merged), *(line for one in bundles for line in _bundle_lines(one))]
    status = OK if verdict.word in GOOD_WORDS else NOT_GOOD_ENOUGH
    own = other is None and not all(map(_is_shipped, bundles))
    lines += [*said, *(OWN_PORT if own else [])]
    return Outcome([*lines, "", *verdict_lines(verdict, results)], status, verdict.word, own, verdict, tuple(bundles))


def _is_shipped(bundle: Bundle) -> bool:
    """Whether it was judged by a port of the suite, made of the suite's own files."""
    spec = bundle.record.spec
    return spec is not None and shipped_port(spec.json_sha256, spec.files) is not None


def _basis_lines(judged: Sequence[Judged]) -> list[str]:
    """What the verdict rests on, so that nothing that could not be recomputed looks as if it had been."""
    lines = [f"{entry.id}: {entry.remark}" for entry in judged if entry.remark]
    for basis in Basis:
        names = [entry.id for entry in judged if entry.basis is basis]
        kinds = [name for name, _ in groupby(name.gate for name in names)]
        shown = f": {', '.join(kinds)}" if basis is Basis.AS_RECORDED and kinds else ""
        lines.append(f"{basis}: {len(names)} gates{shown}")
    return lines


def _bundle_lines(bundle: Bundle) -> list[str]:
    """Which bundle this is: when and on what it was made, so that a stale one shows, and what ended it early."""
    record = bundle.record
    chip = "" if record.machine is None else f" {record.machine.soc}"
    made = f"run {record.run or 'without a name'}, finished {record.finished_utc}, target {record.target}{chip}"
    lines = [f"bundle {bundle.name}: {made}, manifest sha256 {bundle.files.manifest_sha256}"]
    interrupted = f"bundle {bundle.name} was interrupted: {record.interrupted}"
    return [*lines, interrupted] if record.interrupted else lines


def _recorded_spec(bundles: Sequence[Bundle]) -> str:
    """The one spec of all the bundles, with each place from which it was read."""
    specs = [bundle.record.spec for bundle in bundles if bundle.record.spec is not None]
    places = dict.fromkeys(f"{spec.path} ({spec.why})" for spec in specs)
    return spec_words(" and ".join(places), specs[0].json_sha256)


def _given_spec(path: Path | None) -> tuple[Spec | None, str]:
    """The spec of --port and the words for it; None and no words where none is given."""
    if path is None:
        return None, ""
    if path.suffix in (".yaml", ".yml"):
        fix = f"run `python tools/show_port.py --json {path} > port.json`, give that"
        raise Refused(f"{path}: the standard library reads no YAML; {fix}")
    content = read_whole(path)
    return read_spec(content, str(path)), spec_words(f"{path} (as asked)", spec_digest(content))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the bundles named on the command line."""
    on_any_terminal()
    parser = argparse.ArgumentParser(
        description="Judge evidence bundles offline; several bundles count as one run.", formatter_class=Help
    )
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", type=Path, help="a folder with MANIFEST.sha256")
    parser.add_argument("--port", metavar="JSON", type=Path, help="judge by this (tools/show_port.py --json makes it)")
    parser.add_argument(
        "--require",
        metavar="WORD",
        choices=[str(word) for word in GOOD_WORDS],
        default=str(GOOD_WORDS[0]),
        help=f"exit with 1 unless the last word is at least this, the weakest first: {', '.join(GOOD_WORDS)}",
    )
    parser.add_argument("--run-id", metavar="ID", action="append", default=[], help="refuse a bundle of another run")
    parser.add_argument("--not-before", metavar="UTC", help="refuse a run begun earlier, than 2026-01-31T12:00:00Z say")
    parser.add_argument("--allowed-signers", metavar="FILE", type=Path, help="refuse what none of these has signed")
    parser.add_argument("--signer", metavar="IDENTITY", help="of the allowed signers this one only")
    parser.add_argument("--lang", metavar="LANGUAGE", help="what is shown: en or zh (default: that of the locale)")
    asked = parser.parse_args(arguments)
    if asked.signer and not asked.allowed_signers:
        parser.error("--signer is one of --allowed-signers: name the file")
    sources = [(str(folder), partial(open_files, folder)) for folder in asked.bundles]
    words = ENGLISH
    try:
        words = catalogue(language(asked.lang, os.environ))
        require_known(os.environ)
        signers = Signers(asked.allowed_signers, asked.signer)
        wanted = Wanted(tuple(asked.run_id), utc(asked.not_before) if asked.not_before else None)
        outcome = verify(sources, *_given_spec(asked.port), wanted, signers).requiring(Word(asked.require))
    except (Refused, SuiteError, OSError) as error:
        outcome = Outcome([f"error: {error}"], REFUSED)
    print("\n".join(words.lines(outcome.text.split("\n"))))
    return outcome.status
