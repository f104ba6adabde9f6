"""Figures of a chip from a first accepted run, for a port of which nobody published any: `pin_floors.py BUNDLE …`.

Prints the lines that go into the port's `published` section, and with --write puts them there: throughput of each batch
size, Top-1 and Top-5 of the OMs, each with the run, date, host and toolkit that it comes from. Floors follow from them
by the margins of the port, and every later run is held to those. Several bundles (an accuracy job, a perf job) count as
one run. Nothing is pinned of evidence that does not hold or is not ACCEPTED, nor into another port than was judged.

Exit status: 0 printed or written, 2 refused.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.base.printable import printable
from tools.judge import records
from tools.judge.bundle import Bundle, open_files
from tools.judge.differences import differences
from tools.judge.machine_class import Device
from tools.judge.results import Word
from tools.judge.spec import Spec
from tools.judge.verify import Outcome, Source, verify
from tools.ports.chip_figures import chip_of, entry_lines, measured_on, what_stands
from tools.ports.published_edit import with_entry
from tools.ports.spec import PORTS, PUBLISHED_SPEC, Port, load_port, port_path


def main(argv: Sequence[str] | None = None) -> int:
    """Judge, compare, print, and write where that was asked for."""
    arguments = _arguments(argv)
    sources: list[Source] = [(str(folder), partial(open_files, folder)) for folder in arguments.bundles]
    bundles = _accepted(verify(sources, None))
    port = load_port(port_path(arguments.port or bundles[0].spec.port))
    _require_same(port, bundles)
    old = _chip(port, chip_of(bundles))
    _require_free(port, old, replacing=arguments.replace)
    new = measured_on(old, port.spec, bundles)
    spec = _with_chip(port.spec, new)
    _require_accepted_by(spec, sources)
    lines = entry_lines(new, bundles)
    if arguments.write:
        _write(port, with_entry(port.path, port.files[port.path.name], new.soc, lines, spec))
    _say(port, old, new, lines, written=arguments.write)
    return cli.EXIT_OK


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.Parser(description="Pin what a first accepted run reached on a chip as the figures of its port.")
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", type=Path, help="evidence of one run, ACCEPTED")
    parser.add_argument("--port", metavar="NAME", help="its port: a name or a file (default: as in the evidence)")
    parser.add_argument("--write", action="store_true", help="put the lines into the port's file")
    parser.add_argument("--replace", action="store_true", help="take the place of figures of this chip that are there")
    return parser.parse_args(argv)


def _accepted(outcome: Outcome) -> tuple[Bundle, ...]:
    """The bundles; SuiteError where they do not hold, or are of anything but an accepted run on a device."""
    if outcome.verdict is None:
        raise SuiteError(f"{outcome.lines[0]}: this evidence does not hold, nothing is pinned of it")
    if outcome.word is not Word.ACCEPTED:
        raise SuiteError(
            "nothing is pinned of this evidence",
            measured=outcome.verdict.banner,
            allowed=Word.ACCEPTED,
            fix="see what `python tools/verify_bundle.py` says of it",
        )
    return outcome.bundles


def _require_same(port: Port, bundles: Sequence[Bundle]) -> None:
    """SuiteError where the file is not what was judged; what was published on chips is left out of that."""
    here = _without_chips(port.spec)
    for bundle in bundles:
        found = differences(_without_chips(bundle.spec), here, "port")
        if found:
            raise SuiteError(
                f"this is not the port that was judged: {found[0].replace('recomputed', 'in the file')}",
                where=port.path,
                fix="name the port's file with --port, or run it as it is now",
            )


def _without_chips(spec: Spec) -> object:
    return records.plain(replace(spec, devices=()))


def _chip(port: Port, soc: str) -> Device:
    found = port.spec.device(soc)
    if found is None:
        raise SuiteError(
            "nothing is known about this chip, and floors follow from its margins",
            where=port.path,
            measured=soc,
            allowed=", ".join(chip.soc for chip in port.spec.devices),
            fix="describe it under port: chips:, docs/first-run.md says how",
        )
    return found


def _require_free(port: Port, chip: Device, *, replacing: bool) -> None:
    stands = what_stands(chip)
    if stands and not replacing:
        name, fact = next(iter(stands.items()))
        raise SuiteError(
            f"figures of {chip.soc} stand there already",
            where=port.path,
            measured=f"{name} {fact.value:g} {fact.unit} ({fact.source})",
            fix="--replace puts what this run measured in the place of all of them",
        )


def _with_chip(spec: Spec, chip: Device) -> Spec:
    return replace(spec, devices=tuple(chip if chip.soc == one.soc else one for one in spec.devices))


def _require_accepted_by(spec: Spec, sources: Sequence[Source]) -> None:
    """SuiteError where the run would not be accepted by its own figures: runs that scatter, batches that disagree."""
    verdict = verify(sources, spec).verdict
    if verdict is None or verdict.word is not Word.ACCEPTED:
        hindered = () if verdict is None else (*verdict.failed, *verdict.missing)
        raise SuiteError(
            "this run would not pass by its own figures",
            measured=", ".join(hindered),
            allowed=Word.ACCEPTED,
            fix="rerun on an idle device",
        )


def _write(port: Port, content: bytes) -> None:
    path = port.path.resolve()
    with atomic(path) as partial_path:
        partial_path.write_bytes(content)
        shutil.copymode(path, partial_path)


def _say(port: Port, old: Device, new: Device, lines: Sequence[str], *, written: bool) -> None:
    before, after = what_stands(old), what_stands(new)
    for name, fact in after.items():
        was = f", was {before[name].value:g}" if name in before else ""
        cli.say(f"{new.soc} {name}: {fact.value:g} {fact.unit}{was}")
    for name in before.keys() - after.keys():
        cli.say(f"{new.soc} {name}: gone, this run has not measured it; it was {before[name].value:g}")
    for entry in new.throughput:
        cli.say(f"{new.soc} batch {entry.batch}: floor {new.floor(entry).at_least:g} images/s per chip")
    if not written:
        print(*map(printable, lines), sep="\n")
    cli.say(f"{'wrote' if written else 'not written, --write does:'} {port.path}")
    if PORTS in port.path.resolve().parents or port.path.resolve() == PUBLISHED_SPEC:
        cli.say("note: an edited port is one's own: `--require ACCEPTED` wants it named, see docs/first-run.md")


if __name__ == "__main__":
    sys.exit(cli.run(main))
