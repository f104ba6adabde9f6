"""What a network knows without an image: its tensors, and all that its code makes of them before an image is needed.

Found by running the network once on an image without pixels (torch's fake tensors: shapes only). An operation that
reads the image is recorded and yields shapes; every other one is really computed. So which tensors inference uses, and
in which order, is what happens and not a list of names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Place = tuple[int, int]
"""Where a value is read: the number of the operation in order of execution, and which of its operands it is."""
MATERIALISED = frozenset({"new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like"})
"""Operations that take no more than the shape of the image: what they make is known without it."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor known without an image: a checkpoint's (with its name), one of the code's, or made of `parents`.

    `made` is the number of the operation that made it; `call` repeats the making if none wrote into it later. What a
    module merely keeps as an attribute (`kept`) may be a stale result of an earlier run, so that it explains nothing.
    """

    tensor: torch.Tensor
    names: tuple[str, ...] = ()
    parents: list[Value] = field(default_factory=list)
    call: list[tuple[Any, Any, Any, int]] = field(default_factory=list)
    kept: bool = False
    made: int = 0

    def sources(self) -> frozenset[str]:
        """Names of the checkpoint's tensors that it is made of."""
        return frozenset(name for value in self.line() for name in value.names)

    def line(self) -> set[Value]:
        """It and all that it is made of."""
        found, waiting = {self}, [self]
        while waiting:
            new = [parent for parent in waiting.pop().parents if parent not in found]
            found.update(new)
            waiting += new
        return found


@dataclass(frozen=True, eq=False)
class Norm:
    """A batch normalisation by kept statistics, straight after a convolution or a matrix product with known weights.

    `axis` is that of the weight's outputs; a transposed convolution has `groups` of them along it.
    """

    at: Place
    after: Place
    weight: Value
    bias: Value | None
    axis: int
    groups: int
    gamma: Value | None
    beta: Value | None
    mean: Value
    variance: Value
    eps: float


@dataclass(frozen=True)
class Known:
    """`reads`: every value that an operation on the image reads, in order, if the network's output depends on it.

    `inner` is where values are read to make other values.
    """

    reads: tuple[tuple[Place, Value], ...]
    inner: Mapping[Value, Sequence[Place]]
    norms: tuple[Norm, ...]

    def values(self) -> list[Value]:
        """All that the output depends on."""
        found: dict[Value, None] = {}
        for _, value in self.reads:
            found.update(dict.fromkeys(value.line()))
        return list(found)

    def used(self) -> frozenset[str]:
        """Names of the checkpoint's tensors that inference uses."""
        return frozenset(name for value in self.values() for name in value.names)


def in_double(value: Value) -> torch.Tensor:
    """The value made anew in float64 from the checkpoint's tensors; as it is where that cannot be done."""
    import torch
    from torch.utils._pytree import tree_map

    if not value.call:
        return value.tensor.double() if value.tensor.is_floating_point() else value.tensor
    function, args, kwargs, index = value.call[0]

    def raised(item: object) -> object:
        if isinstance(item, Value):
            return in_double(item)
        return torch.float64 if item is torch.float32 else item

    with torch.no_grad():
        made = function(*tree_map(raised, args), **tree_map(raised, kwargs))
    result: torch.Tensor = made if torch.is_tensor(made) else made[index]
    return result
