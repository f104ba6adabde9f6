"""Step checkpoint: the file, and the verified state_dict in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.files import md5_of, sha256_of
from tools.evidence.records import input_digest
from tools.judge.acceptance import InputDigest
from tools.judge.facts import CheckpointFacts
from tools.model import checkpoint as checkpoints
from tools.model.formats.digests import require_digests
from tools.pipeline.context import Context
from tools.pipeline.once import once
from tools.pipeline.port_sample import SampleStep
from tools.sample import checkpoint as sample
from tools.store import content
from tools.store.artifacts import Recipe

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class CheckpointFile:
    """The checkpoint as a file: where it is and what its bytes are."""

    path: Path
    digest: InputDigest

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return self.digest.sha256

    @property
    def digests(self) -> dict[str, str]:
        """Of its bytes, by algorithm: those by which a port can pin them."""
        return {"md5": str(self.digest.md5), "sha256": self.digest.sha256}


class CheckpointStep:
    """The published weights; nothing is unpickled before every stated digest was found right."""

    def __init__(self, context: Context, made: SampleStep) -> None:
        self._context, self._made = context, made

    @once
    def file(self) -> CheckpointFile:
        """The file the run was pointed at, or the sample's."""
        path = self._context.inputs.checkpoint or self._sample()
        asked = self._context.spec.checkpoint
        checkpoints.require_file(path, asked)
        with checkpoints.readable(path, asked):
            digest = input_digest("checkpoint", path, sha256=sha256_of(path), md5=md5_of(path))
        return CheckpointFile(path, self._context.staging.put(digest, "checkpoint"))

    def _sample(self) -> Path:
        made = self._made.sample()
        if made is not None:
            return made.checkpoint
        name = self._context.spec.checkpoint.file
        recipe = Recipe("sample-checkpoint", {"head": sha256_of(sample.HEAD_TABLE)}, code=(sample,))
        return self._context.build(recipe, lambda folder: sample.write_checkpoint(folder / name)).path / name

    @once
    def load(self) -> checkpoints.StateDict:
        """The tensors by name, from verified bytes."""
        file = self._verified()
        asked, network = self._context.spec.checkpoint, self._context.network
        return checkpoints.load_state_dict(file.path, asked, network, sha256=file.sha256)

    def _verified(self) -> CheckpointFile:
        """The file, once every digest that the port states is the one that was taken of it."""
        file = self.file()
        require_digests(file.path, file.digests, file.digest.size_bytes, self._context.spec.checkpoint)
        return file

    @property
    def about(self) -> dict[str, str]:
        """What results depend on that are made from the network with these weights."""
        return {"checkpoint": self.file().sha256, **self._context.network.about}

    def model(self) -> torch.nn.Module:
        """The network with these weights, in evaluation mode: another object for each who asks.

        Nothing that an exporter does to its own may reach the reference; the weights are shared.
        """
        return self._context.network.build(self.load())

    @once
    def facts(self) -> CheckpointFacts:
        """The tensors held against the network's own."""
        self._verified()
        name = self._context.spec.checkpoint.file
        found = self._context.remember(
            Recipe("checkpoint-facts", {**self.about, "file": name}, code=(checkpoints, content)),
            CheckpointFacts,
            lambda: checkpoints.compare_with_network(self.load(), self._context.network, name),
        )
        return self._context.staging.put(found, "checkpoint")
