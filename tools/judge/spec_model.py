"""The network of a spec and its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.judge.numbers import Entry, Fact, Md5, PlainName, Sha256, Sha256Prefix, Text
from tools.judge.records import Rule

if TYPE_CHECKING:
    from typing import Literal

    Source = str
else:
    Source = Rule(
        str,
        pattern=r"^(?:torchvision:[a-z0-9_]+|timm:[A-Za-z0-9_.]+"
        r"|python:(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_.-]+:[A-Za-z_][A-Za-z0-9_]*)$",
    )


@dataclass(frozen=True)
class Model(Entry):
    """Which network: `source` is `torchvision:NAME`, `timm:NAME` or `python:FILE-or-module:FUNCTION`.

    `arguments` are what the source is called with: some weights force them (`transform_input` of inception_v3).
    `label_offset` is added to a label to get its output: 1 where the network has a background class before all others.
    """

    name: Text
    source: Source
    arguments: dict[Text, bool | int | float | str | None] = field(default_factory=dict)
    label_offset: Literal[0, 1] = 0
    flops_per_image: Fact | None = None
    parameters: Fact | None = None

    def __post_init__(self) -> None:
        if self.flops_per_image is not None and self.flops_per_image.value < 1:
            raise ValueError(f"flops_per_image is {self.flops_per_image.value}, it must be at least 1")


@dataclass(frozen=True)
class Checkpoint(Entry):
    """The weights; whatever digest is stated is checked before anything is unpickled.

    `state_dict_key` says under which key of the file the weights lie (`state_dict`, `model`, `ema`), `strip_prefix`
    which beginning of every name is no part of it (`module.` of DataParallel).
    """

    file: PlainName
    source: Text
    url: Text | None = None
    sha256: Sha256 | None = None
    sha256_prefix: Sha256Prefix | None = None
    md5: Md5 | None = None
    content_sha256: Sha256 | None = None
    state_dict_key: Text | None = None
    strip_prefix: Text | None = None

    def __post_init__(self) -> None:
        if self.sha256 and self.sha256_prefix and not self.sha256.startswith(self.sha256_prefix):
            raise ValueError(f"sha256 {self.sha256} does not begin with sha256_prefix {self.sha256_prefix}")

    @property
    def pinned(self) -> bool:
        """Whether the file's bytes are known; what is not pinned can be any other training run's."""
        return any((self.sha256, self.sha256_prefix, self.md5))
