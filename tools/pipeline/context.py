"""What all steps of a run share: what it works on, the store of artifacts, and where evidence is put."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tools.base.errors import SuiteError
from tools.evidence.host import host_words
from tools.evidence.staging import Staging
from tools.evidence.tool_logs import keep_logs
from tools.judge.acceptance import Reused
from tools.judge.spec import Spec
from tools.model.network import Network
from tools.pipeline.inputs import Inputs
from tools.pipeline.taken import Taken
from tools.store.artifacts import Artifact, Origin, Recipe, Store
from tools.store.facts import load_fact, save_fact

Fact = TypeVar("Fact")


@dataclass
class Context:
    """The surroundings of one run.

    `environment` and `filesystem` are where traces of Ascend are looked for; `run` names the run for all its workers;
    `made_sample` says that weights and labels are made for the port (tools/sample/any_port.py).
    `remeasure` measures throughput anew where it could be kept, `taken` is the other run whose predictions of the
    checkpoint count, None where they are made. `building` is entered around every build, so that a
    caller can let its progress through. `log` collects what the store found or made, a line each. `work` is where tools
    get their private folders; None makes one that goes with the process.
    """

    inputs: Inputs
    spec: Spec
    staging: Staging
    environment: Mapping[str, str]
    filesystem: Path
    run: str
    on_device: bool
    made_sample: bool = False
    remeasure: bool = False
    taken: Taken | None = None
    building: Callable[[], AbstractContextManager[object]] = nullcontext
    log: list[str] = field(default_factory=list)
    work: Path | None = None

    def build(self, recipe: Recipe, function: Callable[[Path], None], *, batch: int | None = None) -> Artifact:
        """An artifact from the store, made where it must be; `batch` is that of a throughput."""
        with self.building():
            artifact = Store(self.inputs.cache, self.run, host_words()).get(recipe, function)
        name = f"{recipe.kind}/{artifact.key[:12]}"
        if artifact.reused:
            self.staging.put(Reused(name, artifact.made_utc, artifact.made_on, batch), name.replace("/", "-"))
        reason = f"made {artifact.made_utc}" if artifact.origin is Origin.HIT else artifact.why
        self.log.append(f"{artifact.origin} {name} ({reason})")
        return artifact

    def remember(
        self, recipe: Recipe, kind: type[Fact], compute: Callable[[], Fact], *, batch: int | None = None
    ) -> Fact:
        """A fact about artifacts, from the store where it was found out before."""
        return load_fact(self.build(recipe, lambda folder: save_fact(compute(), folder), batch=batch).path, kind)

    def reused(self, kind: str, batch: int) -> Reused | None:
        """The throughput of this kind and batch size where an earlier run has measured it, None where this one has."""
        found = self.staging.pieces(Reused)
        return next((entry for entry in found if entry.batch == batch and entry.name.startswith(f"{kind}/")), None)

    @contextmanager
    def keeping_logs(self, name: str, logs: Path) -> Iterator[None]:
        """Keep what tools have said where their step dies, by an error or by Ctrl-C: its folder goes with it.

        The error then names the place in the evidence.
        """
        try:
            yield
        except BaseException as error:
            kept = keep_logs(self.staging, name, logs)
            if isinstance(error, SuiteError):
                error.moved(kept)
            raise

    @property
    def network(self) -> Network:
        """The port's network, see Setup.network."""
        return Network(self.spec.model, self.inputs.port.parent)

    @property
    def locks(self) -> Path:
        """Where runs over this cache lock the devices that they use."""
        return self.inputs.cache / ".locks"

    def scratch(self, name: str) -> Path:
        """A new private folder for a tool's work, below the run's own."""
        if self.work is None:
            self.work = Path(tempfile.mkdtemp(prefix="acceptance-"))
            atexit.register(shutil.rmtree, self.work, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.work))
