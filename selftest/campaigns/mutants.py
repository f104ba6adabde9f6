"""Mutation testing of the pure code: `python -m selftest.campaigns.mutants [MODULE ...]`.

Each mutant is one small change (mutmut's operators: `<` to `<=`, a number plus one, an argument dropped, …) of one
module. It lives in a forked child's memory only, where the module's own quick self-tests run against it: a failure or
a time-out kills it, a pass is a survivor. Every survivor is judged by hand in mutants_survivors.yaml; one that nobody
explained, or an explanation that no survivor needs, ends the command with 1. The table goes into docs/mutation.md;
rows of modules that were not asked for are kept.
"""

from __future__ import annotations

import difflib
import enum
import hashlib
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from selftest.campaigns.mutants_made import mutants_of
from selftest.campaigns.mutants_run import load_heavy, statuses
from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import ROOT, atomic, cpu_count

PAGE = ROOT / "docs" / "mutation.md"
SURVIVORS = Path(__file__).with_name("mutants_survivors.yaml")
RECORDS = "selftest/judge/test_records.py"
PARTS = "selftest/evidence/test_consistency_parts.py"
STAGES = ("selftest/test_gates.py", "selftest/judge/test_stage_gates.py", "selftest/evidence/test_stages.py")
SPEC = ("selftest/test_spec_bounds.py", "selftest/test_spec.py")
SECTIONS = (
    "selftest/judge/test_spec_sections.py",
    "selftest/judge/test_spec_data.py",
    "selftest/judge/test_spec_places.py",
    *SPEC,
)
PORTS = ("selftest/test_ports.py", *SPEC)
TESTS: dict[str, tuple[str, ...]] = {
    **{
        f"tools/judge/{name}.py": (RECORDS,)
        for name in ("acceptance", "image_records", "layout", "machine_records", "prediction_records")
    },
    "tools/judge/throughput_records.py": (RECORDS,),
    "tools/judge/accuracy.py": (RECORDS, "selftest/judge/test_accuracy.py", "selftest/judge/test_predictions.py"),
    "tools/judge/again.py": ("selftest/evidence/test_again.py",),
    "tools/judge/agreement.py": (
        RECORDS,
        "selftest/judge/test_agreement.py",
        "selftest/judge/test_systematic.py",
    ),
    "tools/judge/aipp.py": ("selftest/judge/test_aipp.py",),
    "tools/judge/basis.py": ("selftest/judge/test_basis.py",),
    "tools/judge/handed_in.py": ("selftest/judge/test_handed_in.py",),
    "tools/judge/handed_in_check.py": ("selftest/judge/test_handed_in.py",),
    "tools/judge/kept_reference.py": ("selftest/judge/test_kept_reference.py",),
    "tools/judge/stages/reference.py": ("selftest/judge/test_basis.py",),
    "tools/judge/op_names.py": ("selftest/ascend/test_op_summary.py",),
    "tools/judge/op_profile.py": ("selftest/judge/test_op_profile.py", "selftest/ascend/test_op_summary.py"),
    "tools/judge/profile_logs.py": ("selftest/judge/test_profile_logs.py",),
    "tools/judge/texts/op_summary.py": ("selftest/judge/test_op_tables.py", "selftest/ascend/test_op_summary.py"),
    "tools/judge/atc_flags.py": ("selftest/judge/test_atc_flags.py", "selftest/ascend/test_om_description.py"),
    **{
        f"tools/judge/{name}.py": ("selftest/evidence/test_bundle_answers.py", "selftest/evidence/test_bundle.py")
        for name in ("bundle", "bundle_images", "bundle_predictions", "bundle_record", "bundle_throughput")
    },
    "tools/judge/chance.py": ("selftest/judge/test_chance.py",),
    "tools/judge/checks.py": ("selftest/judge/test_checks.py",),
    **{
        f"tools/judge/consistency/{name}.py": (PARTS,)
        for name in ("dataset", "everything", "machine", "model", "on_device", "predictions", "spec", "throughput")
    },
    "tools/judge/consistency/preprocessing.py": ("selftest/judge/test_recipe_facts.py", PARTS),
    "tools/judge/device_bounds.py": ("selftest/judge/test_systematic.py",),
    "tools/judge/differences.py": ("selftest/evidence/test_bundle.py",),
    "tools/judge/documents.py": ("selftest/evidence/test_bundle.py",),
    "tools/judge/dataset.py": ("selftest/judge/test_dataset.py",),
    "tools/judge/description.py": ("selftest/judge/test_description.py",),
    "tools/judge/device.py": ("selftest/judge/test_device.py",),
    "tools/judge/evidence.py": ("selftest/judge/test_evidence.py",),
    "tools/judge/facts.py": ("selftest/judge/test_recipe_facts.py", RECORDS, "selftest/ascend/test_om_description.py"),
    "tools/judge/files.py": ("selftest/judge/test_bundle_files.py",),
    "tools/judge/gate.py": ("selftest/judge/test_gate.py", "selftest/test_gates.py"),
    "tools/judge/gates.py": ("selftest/test_gates.py", "selftest/judge/test_run.py", "selftest/evidence/test_again.py"),
    "tools/judge/handover.py": ("selftest/test_conservation.py",),
    "tools/judge/host.py": ("selftest/judge/test_host.py",),
    "tools/judge/command_lines.py": ("selftest/judge/test_command_lines.py",),
    "tools/judge/ids.py": ("selftest/judge/test_ids.py",),
    "tools/judge/lines.py": ("selftest/judge/test_lines.py",),
    "tools/judge/logs.py": ("selftest/evidence/test_logs.py",),
    "tools/judge/device_numbers.py": ("selftest/judge/test_device_numbers.py",),
    "tools/judge/npu_smi.py": ("selftest/ascend/test_npu_smi.py",),
    "tools/judge/machine_class.py": (*SECTIONS, "selftest/judge/test_device.py"),
    "tools/judge/numbers.py": SECTIONS,
    "tools/judge/perf_logs.py": ("selftest/evidence/test_perf_logs.py",),
    "tools/judge/operators.py": ("selftest/judge/test_operators.py",),
    "tools/judge/paired.py": (RECORDS, "selftest/judge/test_paired.py"),
    "tools/judge/predictions.py": ("selftest/judge/test_predictions.py",),
    "tools/judge/published.py": ("selftest/judge/test_checks.py",),
    "tools/judge/records.py": ("selftest/judge/test_strict_reading.py", RECORDS, "selftest/test_spec_bounds.py"),
    "tools/judge/remarks.py": ("selftest/judge/test_remarks.py",),
    "tools/judge/results.py": (RECORDS, "selftest/judge/test_run.py", "selftest/judge/test_checks.py"),
    "tools/judge/run.py": ("selftest/judge/test_run.py",),
    "tools/judge/several.py": ("selftest/evidence/test_several.py",),
    "tools/judge/shipped.py": ("selftest/judge/test_shipped.py",),
    "tools/judge/soc.py": ("selftest/ascend/test_soc.py",),
    **{
        f"tools/judge/{name}.py": SECTIONS for name in ("spec", "spec_data", "spec_model", "spec_onnx", "spec_policies")
    },
    "tools/judge/stages/accuracy.py": STAGES[:2],
    "tools/judge/stages/checkpoint.py": STAGES,
    "tools/judge/stages/om.py": STAGES,
    "tools/judge/stages/onnx.py": STAGES,
    "tools/judge/stages/perf.py": STAGES,
    "tools/judge/stages/preprocessing.py": STAGES,
    "tools/judge/strict_json.py": ("selftest/judge/test_strict_json.py",),
    "tools/judge/throughput.py": (RECORDS, "selftest/judge/test_throughput.py"),
    "tools/judge/tool_texts.py": ("selftest/ascend/test_runs.py", "selftest/evidence/test_logs.py"),
    "tools/judge/kept_scores.py": ("selftest/evidence/test_kept_scores.py",),
    "tools/judge/label_order.py": ("selftest/judge/test_reference.py", "selftest/judge/test_chance.py"),
    "tools/judge/pages.py": ("selftest/judge/test_pages.py",),
    "tools/judge/missing.py": ("selftest/judge/test_lines.py",),
    "tools/judge/guide_result.py": ("selftest/judge/test_guide_result.py",),
    "tools/judge/reference.py": ("selftest/judge/test_reference.py",),
    "tools/judge/signature.py": ("selftest/judge/test_signature.py",),
    "tools/judge/systematic.py": (RECORDS, "selftest/judge/test_systematic.py"),
    "tools/judge/unseen.py": ("selftest/judge/test_remarks.py", "selftest/judge/test_reference.py"),
    "tools/judge/wanted.py": ("selftest/judge/test_wanted.py",),
    "tools/judge/verify.py": ("selftest/evidence/test_verify.py",),
    "tools/engines/agreement.py": ("selftest/judge/test_systematic.py", "selftest/judge/test_agreement.py"),
    "tools/engines/topk.py": ("selftest/test_topk.py",),
    "tools/pipeline/once.py": ("selftest/test_once.py",),
    "tools/pipeline/outcomes.py": ("selftest/test_outcomes.py",),
    "tools/judge/texts/digits.py": ("selftest/ascend/test_told.py",),
    "tools/judge/texts/perf_texts.py": ("selftest/ascend/test_perf_texts.py",),
    "tools/judge/texts/rounds.py": ("selftest/ascend/test_told.py",),
    "tools/judge/texts/told.py": ("selftest/ascend/test_told.py",),
    "tools/ascend/npu_smi.py": ("selftest/ascend/test_npu_smi.py",),
    "tools/judge/texts/reading.py": ("selftest/ascend/test_reading.py", "selftest/ascend/test_perf_texts.py"),
    "tools/data/info.py": ("selftest/test_info.py",),
    "tools/data/labels.py": ("selftest/test_labels.py",),
    "tools/base/reading.py": ("selftest/test_reading.py",),
    "tools/ascend/dumps.py": ("selftest/test_dumps.py",),
    "tools/ports/document.py": ("selftest/ports/test_document.py", "selftest/test_spec.py"),
    "tools/ports/spec.py": PORTS,
}


class Reason(enum.StrEnum):
    """Why a survivor may live."""

    EQUIVALENT = "equivalent"
    WORDING = "wording"
    DEFENSIVE = "defensive"
    PERFORMANCE = "performance"
    TYPING = "typing"


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Survivors of one function that were judged alike.

    Each of `mutants` are the changed lines, `- ` before and `+ ` after, without indentation: an entry outlives moved
    lines, but not changed ones.
    """

    module: str
    function: str
    mutants: list[str]
    reason: Reason
    why: str


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed."""

    module: str
    function: str
    mutant: str


@dataclass(frozen=True)
class Tally:
    """What became of a module's mutants; `source_sha256` is of the very text that they were made of."""

    module: str
    source_sha256: str
    mutants: int
    timeouts: int
    survivors: tuple[Survivor, ...]
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 1 when a survivor is not explained or an explanation explains nothing."""
    parser = cli.Parser(prog="python -m selftest.campaigns.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as tools/judge/paired.py (default: all)")
    parser.add_argument("--workers", type=int, default=cpu_count(), help="mutants at once (default: %(default)s)")
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave docs/mutation.md alone")
    arguments = parser.parse_args(argv)
    asked = arguments.modules or list(TESTS)
    if unknown := [module for module in asked if module not in TESTS]:
        raise SuiteError("no such module", measured=unknown[0], allowed=", ".join(TESTS))
    judged = {known: why for known, why in read_judged(SURVIVORS).items() if known.module in asked}
    load_heavy()
    tallies = []
    for module in asked:
        tallies.append(campaign(module, arguments.workers))
        print(f"{module}: {_words(tallies[-1], judged)}", flush=True)
        if not arguments.only_print:  # now: a later module whose tests fail must not lose this one
            write_page(PAGE, tallies[-1], judged)
    return complain([survivor for tally in tallies for survivor in tally.survivors], judged)


def read_judged(path: Path) -> dict[Survivor, Reason]:
    """Every judged survivor with its reason; SuiteError for a file that is not a list of entries as in Explanation."""
    import yaml

    try:
        entries = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), list[Explanation])
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise SuiteError(f"not a list of judged survivors: {error}", where=path) from error
    return {
        Survivor(entry.module, entry.function, mutant.strip()): entry.reason
        for entry in entries
        for mutant in entry.mutants
    }


def campaign(module: str, workers: int) -> Tally:
    """Run the module's tests against each of its mutants; SuiteError when they fail without any."""
    began = time.monotonic()
    source = (ROOT / module).read_text(encoding="utf-8")
    mutants = list(mutants_of(source))
    found = statuses(module, source, mutants, TESTS[module], workers)
    return Tally(
        module=module,
        source_sha256=hashlib.sha256(source.encode()).hexdigest(),
        mutants=len(mutants),
        timeouts=found.count(None),
        survivors=tuple(
            Survivor(module, mutant.function, changed_lines(mutant.before, mutant.after))
            for mutant, status in zip(mutants, found, strict=True)
            if status == 0
        ),
        seconds=time.monotonic() - began,
    )


def changed_lines(before: str, after: str) -> str:
    """The lines that differ, each without its indentation after `- ` or `+ `."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[0] in "-+")


def _words(tally: Tally, judged: Mapping[Survivor, Reason]) -> str:
    explained = sum(survivor in judged for survivor in tally.survivors)
    return (
        f"{tally.mutants} mutants, {len(tally.survivors)} survived, {explained} of them explained, "
        f"{tally.timeouts} time-outs, {tally.seconds:.0f} s"
    )


def complain(survivors: Sequence[Survivor], judged: Mapping[Survivor, Reason]) -> int:
    """Print survivors that nobody judged, as entries to be judged, and judged ones that do not survive; 1 for any."""
    for (module, function), group in groupby(
        (survivor for survivor in survivors if survivor not in judged), key=lambda one: (one.module, one.function)
    ):
        print(f"- module: {module}\n  function: {function}\n  reason:\n  why:\n  mutants:")
        for survivor in group:
            print("\n      ".join(["    - |-", *survivor.mutant.splitlines()]))
    for known in judged.keys() - set(survivors):
        print(f"judged, but does not survive: {known.module} {known.function}\n{known.mutant}")
    open_, idle = set(survivors) - judged.keys(), judged.keys() - set(survivors)
    print(f"{len(open_)} survivors are not explained, {len(idle)} explanations are not needed")
    return cli.EXIT_FAILED if open_ or idle else cli.EXIT_OK


def write_page(page: Path, tally: Tally, judged: Mapping[Survivor, Reason]) -> None:
    """Write docs/mutation.md with a new row for this module and the kept rows of the others."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    rows = {match[1]: match[0] for match in re.finditer(r"^\| `(tools/[^`]+)` \|.*$", old, re.MULTILINE)}
    rows[tally.module] = _row(tally, judged)
    known = [rows.get(module, f"| `{module}` | not run |") for module in TESTS]
    with atomic(page) as partial:
        partial.write_text(_HEAD + "\n".join([*known, _total(known)]) + "\n", encoding="utf-8")


def _row(tally: Tally, judged: Mapping[Survivor, Reason]) -> str:
    alive = len(tally.survivors)
    reasons = Counter(judged[survivor] for survivor in tally.survivors if survivor in judged)
    words = ", ".join(f"{reasons[reason]} {reason}" for reason in Reason if reasons[reason])
    cells = (tally.mutants, tally.mutants - tally.timeouts - alive, tally.timeouts, alive, reasons.total())
    score = _score(tally.mutants, alive)
    return f"| `{tally.module}` | {' | '.join(map(str, cells))} | {score} | {words} | `{tally.source_sha256[:8]}` |"


def _total(rows: Iterable[str]) -> str:
    counts = [[int(cell) for cell in re.findall(r"\| (\d+) (?=\|)", row)] for row in rows]
    sums = [sum(column) for column in zip(*(count for count in counts if count), strict=True)]
    return f"| all | {' | '.join(map(str, sums))} | {_score(sums[0], sums[3])} | | |"


def _score(mutants: int, alive: int) -> str:
    return f"{100 * (mutants - alive) / mutants:.1f} %" if mutants else "-"


_HEAD = """# Mutation testing of the pure code

Written by `python -m selftest.campaigns.mutants`. A mutant is one small change of a module; it is killed when one of
the module's own quick self-tests fails or runs into the time limit. The operators are mutmut's, applied to whole
modules: constants, patterns and decorated functions are mutated too. Not mutated: annotations, imports, decorators,
docstrings, and the pieces of f-strings. Properties run with 20 fixed examples each; tests of other modules, nightly
ones, and those that look at a process of their own, take no part. What survived was judged one by one in
`selftest/campaigns/mutants_survivors.yaml`: equivalent (no input can tell), wording (a text that no test pins word for
word), defensive (a guard that nothing reaches today), performance (the same result, later), typing (read by the type
checker only). `source` is the beginning of the sha256 of the module that the row was measured on.

| module | mutants | killed | timeouts | survived | explained | score | reasons | source |
|---|---|---|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    sys.exit(cli.run(main))
