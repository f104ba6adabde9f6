"""The beginning of a run's evidence: where it goes, and what must not stand in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tools.base.files import ROOT
from tools.evidence.opening import open_staging
from tools.evidence.place import Place, own_place
from tools.evidence.scrub import Scrubber, scrubber
from tools.evidence.staging import Staging
from tools.pipeline.inputs import BUILD, Inputs


def begin_evidence(inputs: Inputs, environment: Mapping[str, str], run: str, *, judges: bool = True) -> Staging:
    """The place that was named, else a folder of this run's own; what the run reads of others stays meanwhile.

    `judges` is False for a run that says nothing about a port by its very purpose.
    """
    place = _place(inputs, run)
    uses = tuple(path for path in (inputs.baseline, inputs.reference) if path is not None)
    scrub = run_scrubber(place.folder, inputs, environment)
    return open_staging(place.folder, scrub, judges=judges, latest=place.latest, uses=uses)


def run_scrubber(evidence: Path, inputs: Inputs, environment: Mapping[str, str]) -> Scrubber:
    """What must not stand in the evidence of this run."""
    folders = [(evidence, "evidence"), (inputs.cache, "cache"), (ROOT, "repository")]
    return scrubber([*folders, (Path(tempfile.gettempdir()), "tmp")], environment)


def _place(inputs: Inputs, run: str) -> Place:
    root = Path(os.path.realpath(BUILD / "evidence"))  # a link stays one
    return own_place(root, run, datetime.now(UTC)) if inputs.evidence is None else Place(inputs.evidence)
