"""Reading a bundle for a report: every file but those that it writes is held against the manifest first."""

from __future__ import annotations

from pathlib import Path

from tools.base.errors import SuiteError
from tools.judge.acceptance import Acceptance
from tools.judge.documents import read_acceptance
from tools.judge.files import Refused, check_manifest, read_json
from tools.judge.guide_result import FOLDER
from tools.judge.layout import FILE
from tools.judge.pages import REPORT, RESULTS


class BundleError(SuiteError):
    """A folder that is no whole bundle."""


def read_bundle(folder: Path) -> Acceptance:
    """The bundle's record; BundleError when a file is damaged, or the record is none that this suite reads."""
    try:
        problems = check_manifest(folder)[1]
    except Refused as error:
        raise BundleError(str(error), where=folder, fix="name a folder that the suite wrote as evidence") from error
    ours = (f"{REPORT} ", f"{RESULTS} ", f"{FOLDER}/")
    damage = [problem for problem in problems if not problem.startswith(ours)]
    if damage:
        more = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
        raise BundleError(f"{damage[0]}{more}", where=folder, fix="a damaged bundle is not reported on, run it again")
    try:
        return read_acceptance(read_json((folder / FILE).read_bytes(), FILE))
    except Refused as error:
        raise BundleError(f"not a record that this suite reads: {error}", where=folder / FILE) from error
