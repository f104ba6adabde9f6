"""What was asked of all ports alike: pytest's words, how the suite understands them, and what each port adds."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.target import AUTO, TargetKind, target_kind
from tools.base.cli import Parser
from tools.base.errors import SuiteError
from tools.base.files import PACKAGE
from tools.catalogue.entry import Entry
from tools.pipeline.option_values import InputError
from tools.pipeline.options import FLAGS, VALUED, VARIABLES, joined
from tools.pipeline.setup import Setup, prepare
from tools.ports.spec import load_spec

OWN = {"port": "name the ports before --", "evidence": "use --out", "device": "use --devices"}
"""Options that this command gives itself, and what to do instead."""
OF_ONE_PORT = ("checkpoint", "onnx", "om", "baseline", "reference")
"""Options whose value belongs to one port, so that all others would be judged by it."""
HOST_STAGES = "checkpoint or onnx or preprocessing or reference"
"""The stages that need no device, and whose artifacts the run itself takes from the cache."""
ADDED = "PYTEST_ADDOPTS"
FILESYSTEM = Path("/")
_WITHOUT_INFLUENCE = ("--cache=", "--lang=")
"""Options that no answer rests on."""
_PROGRAM = ("-P", "-m", PACKAGE) if PACKAGE else ("-m", "pytest")
"""In a repository of models no module of that (random.py, timm/) stands before an installed one."""


@dataclass(frozen=True)
class Asked:
    """`words` go to every run's pytest; `options` and `flags` are those of the suite among them.

    `devices` is the list of those that judge, None for the one that the suite takes by itself;
    `checkpoints` is the folder of the checkpoints, None for `here`, the folder from which the command was called.
    """

    words: tuple[str, ...]
    options: Mapping[str, str | None]
    flags: Mapping[str, bool]
    checkpoints: Path | None
    here: Path
    devices: str | None = None

    @property
    def kind(self) -> TargetKind:
        """Whether OMs run on a device or on the simulator; an unknown word is every port's own error."""
        requested = self.options["target"] or os.environ.get(VARIABLES["target"]) or AUTO
        return target_kind(requested, os.environ, FILESYSTEM)

    @property
    def kept(self) -> dict[str, str]:
        """What a bundle does not tell of how it was asked for: the words, and the variables that are set."""
        words = [word for word in joined(self.words) if not word.startswith(_WITHOUT_INFLUENCE)]
        own = {*OWN, "cache", "lang"}
        names = [ADDED, *(variable for name, variable in VARIABLES.items() if name not in own)]
        variables = {f"variable {name}": os.environ[name] for name in names if os.environ.get(name)}
        return {"options": shlex.join(words), **variables}

    def setup(self, entry: Entry) -> Setup:
        """What a run of this port will work on; SuiteError where it could not even begin."""
        places = {"port": str(entry.file), "evidence": str(entry.evidence)}
        named = {**places, "checkpoint": self._checkpoint(entry), "device": self.devices}
        return prepare(
            {**self.options, **named},
            os.environ,
            sample=self.flags["sample"],
            here=self.here,
            filesystem=FILESYSTEM,
            keep_reference=self.flags["keep_reference"],
            profile=self.flags["profile"],
        )

    def command(self, entry: Entry, device: int | None) -> tuple[str, ...]:
        """The command line of its run."""
        return (*self._pytest(entry, entry.evidence), *(() if device is None else (f"--device={device}",)))

    def preparation(self, entry: Entry, evidence: Path) -> tuple[str, ...]:
        """The command line that fills the cache as far as no device is needed, behind whatever is being measured."""
        return ("nice", "-n", "19", *self._pytest(entry, evidence), "-m", HOST_STAGES)

    def _pytest(self, entry: Entry, evidence: Path) -> tuple[str, ...]:
        checkpoint = self._checkpoint(entry)
        named = () if checkpoint is None else (f"--checkpoint={checkpoint}",)
        places = (f"--port={entry.file}", f"--evidence={evidence}", *named)
        return (sys.executable, *_PROGRAM, "-p", "no:cacheprovider", *self.words, *places)

    def _checkpoint(self, entry: Entry) -> str | None:
        """The port's file among the checkpoints, None where weights are a sample's; InputError where it is absent."""
        if self.flags["sample"]:
            return None
        spec = load_spec(entry.file)
        folder = self.here if self.checkpoints is None else self.checkpoints
        file = folder / spec.checkpoint.file
        if file.is_file():
            return str(file.absolute())
        if spec.kind == "sample":
            return None
        fetch = f"python tools/fetch_checkpoint.py --port {shlex.quote(str(entry.file))} {shlex.quote(str(file))}"
        get = f"download it: {fetch}" if spec.checkpoint.url else "put it there"
        fix = f"{get}; --checkpoints DIR names another folder, "
        raise InputError(
            f"port {spec.port} has no checkpoint: no {spec.checkpoint.file} in {folder}",
            fix=f"{fix}-- --sample tries the whole path without it",
        )


def asked(words: Sequence[str], *, checkpoints: Path | None, here: Path, devices: str | None = None) -> Asked:
    """Understand pytest's words; SuiteError for an option that this command gives itself, or that is of one port."""
    parser = Parser(prog="pytest", add_help=False, allow_abbrev=False)
    for name in VALUED:
        parser.add_argument(f"--{name}")
    for name in FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    given = vars(parser.parse_known_args([*shlex.split(os.environ.get(ADDED, "")), *words])[0])
    for name, instead in OWN.items():
        if given[name] is not None:
            raise SuiteError(f"--{name} stands behind --, and this command gives it to each run", fix=instead)
    for name in OF_ONE_PORT:
        variable = VARIABLES[name]
        if given[name] is not None or os.environ.get(variable):
            fix = "use --checkpoints DIR" if name == "checkpoint" else "run that port by itself"
            raise SuiteError(f"--{name} ({variable}) is of one port, and here are all of them", fix=fix)
    options = {name: given[name] for name in VARIABLES}
    flags = {name: given[name] for name in (flag.replace("-", "_") for flag in FLAGS)}
    folder = None if checkpoints is None else checkpoints.absolute()
    if folder is not None and not folder.is_dir():
        raise SuiteError("--checkpoints names no folder", where=folder)
    return Asked(tuple(words), options, flags, folder, here, devices)
