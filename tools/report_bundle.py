"""Write a bundle's report.html and results.md again: `python tools/report_bundle.py BUNDLE [--baseline OLD]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_FAILED, EXIT_OK, Parser, run, say
from tools.base.language import catalogue, language
from tools.base.messages import Catalogue
from tools.data.images import list_images
from tools.evidence.manifest import write_manifest
from tools.evidence.place import Place
from tools.judge.acceptance import Acceptance
from tools.judge.layout import PORT, SPEC_JSON
from tools.judge.pages import REPORT, RESULTS
from tools.judge.results import Verdict
from tools.ports.sample_port import POLICY, sample_port
from tools.ports.spec import PUBLISHED_SPEC, load_port
from tools.ports.spec_json import spec_json
from tools.report.baseline import Comparison, baseline_lines, compare
from tools.report.bundle import BundleError, read_bundle
from tools.report.class_names import read_class_names
from tools.report.html import read_spec, write_report
from tools.report.trend import earlier_runs


def main() -> int:
    """Report on one bundle; status 1 when it lost more than its spec allows against the baseline."""
    arguments = _arguments()
    folder: Path = arguments.bundle
    words = catalogue(language(arguments.lang, os.environ))
    acceptance = read_bundle(folder)
    _as_written(folder, acceptance)
    baseline = read_bundle(arguments.baseline) if arguments.baseline else None
    images = list_images(arguments.images) if arguments.images else {}
    comparison = _compare(folder, acceptance, baseline) if baseline else None
    names = read_class_names(arguments.class_names) if arguments.class_names else ()
    beside = Place(folder.resolve()).others()
    write_report(folder, acceptance, images, comparison, earlier_runs(beside, acceptance), names, words)
    write_manifest(folder)
    print(f"{folder / REPORT}\n{folder / RESULTS}")
    return _told(comparison, words) if comparison else EXIT_OK


def _as_written(folder: Path, acceptance: Acceptance) -> None:
    """BundleError where the port's files do not come to spec.json, which is all that the offline judge reads."""
    if acceptance.spec is None:
        return
    port = load_port(folder / PORT / Path(acceptance.spec.path).name, folder / PORT / PUBLISHED_SPEC.name)
    if POLICY.name in acceptance.spec.files:
        port = sample_port(port, folder / PORT / POLICY.name)
    if spec_json(port.spec) != (folder / SPEC_JSON).read_bytes():
        raise BundleError(
            f"{SPEC_JSON} is not what the files in {PORT}/ come to",
            where=folder,
            fix="judge with `tools/verify_bundle.py --port` by a port that you trust",
        )


def _arguments() -> argparse.Namespace:
    parser = Parser(
        description="Write report.html and results.md of an evidence bundle, from what lies in it alone.",
        epilog="exit status: 0 written; 1 written, and not as good as the baseline; 2 bad input, nothing written",
    )
    parser.add_argument("bundle", type=Path, help="an evidence folder, such as build/evidence/latest")
    parser.add_argument("--baseline", type=Path, help="an earlier bundle of the same checkpoint, data and chip")
    parser.add_argument(
        "--images", type=Path, help="folder of the images, for thumbnails (without it the page has none)"
    )
    parser.add_argument(
        "--class-names", type=Path, help="text file with the name of each class, a line each (ImageNet's are known)"
    )
    parser.add_argument("--lang", metavar="LANGUAGE", help="of both pages: en or zh (default: that of the locale)")
    return parser.parse_args()


def _compare(folder: Path, acceptance: Acceptance, baseline: Acceptance) -> Comparison:
    spec = read_spec(folder, acceptance)
    if spec is None:
        raise BundleError("the bundle carries no port, so nothing says what a loss may be", where=folder)
    return compare(baseline, acceptance, spec)


def _told(comparison: Comparison, words: Catalogue) -> int:
    say(*baseline_lines(comparison), words=words)
    return EXIT_OK if comparison.verdict is Verdict.PASS else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(run(main))
