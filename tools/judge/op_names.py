"""From the names of a chip's operators back to the nodes of the ONNX file, and from those to modules of the network.

A name is the ONNX node's own; `PartitionedCall_<node>_<Type>_<n>` where the parser has expanded a node; the names of
several nodes without anything between them where they were fused; `trans_<Type>_<n>` for what the compiler has put in.
"""

from __future__ import annotations

import re
from collections.abc import Collection

EXPANDED = "PartitionedCall_"
INSERTED = "trans_"
LONGEST = 4000
"""Characters: beyond it a name is not taken apart."""
_ENDING = re.compile(r"_[A-Za-z][A-Za-z0-9]{0,60}_[0-9]{1,9}")


def onnx_nodes(name: str, known: Collection[str]) -> tuple[str, ...]:
    """The ONNX nodes that an operator was made from, of those that are `known`; none for what the compiler put in."""
    if name in known:
        return (name,)
    if name.startswith(INSERTED) or len(name) > LONGEST:
        return ()
    plain = name[len(EXPANDED) :] if name.startswith(EXPANDED) else name
    endings = [match.start() for match in _ENDING.finditer(plain) if match.end() == len(plain)]
    for text in (plain, *(plain[:place] for place in endings)):
        found = _split(text, known)
        if found:
            return found
    return ()


def _split(text: str, known: Collection[str]) -> tuple[str, ...]:
    """The known names of which a text is made without a gap, as few as possible; none where it is not."""
    longest = max(map(len, known), default=0)
    best: list[tuple[str, ...] | None] = [()] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - longest), end):
            before, name = best[start], text[start:end]
            if before is not None and name in known:
                shorter = best[end]
                if shorter is None or len(before) + 1 < len(shorter):
                    best[end] = (*before, name)
    return best[len(text)] or ()


def module_of(node: str) -> str:
    """The module in which torch's exporter found a node: `/features/features.0/Conv` is of `features.0`.

    Empty for a node of no module, and for names of exporters that say none.
    """
    parts: list[str] = []
    for part in node.split("/")[1:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts)
