"""That the nodes of a file read its constants in the order in which the network reads its tensors.

By its value alone a constant would be right wherever it stands. Two that are exchanged must have the same shape, and
both exporters write nodes in order of execution, so the order is held for the constants of each shape by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tools.model.weights.constants import Known, Place, Value
from tools.model.weights.matching import Matches, Part
from tools.model.weights.onnx_constants import Constant, Use
from tools.model.weights.wants import Want, parts_of

Entry = tuple[tuple[int, int], Place]
"""A node and its operand, and the operation of the network that it stands for and that one's operand."""


def entries(matches: Matches, known: Known) -> list[Entry]:
    """Where the file reads each constant and the network what it is, left out what one of them reads more often."""
    return sorted([*_exact(matches, known), *_folded(matches)])


def _exact(matches: Matches, known: Known) -> Iterator[Entry]:
    reads: dict[Value, list[Place]] = defaultdict(list)
    for place, value in known.reads:
        reads[value].append(place)
    classes: dict[Value, tuple[list[Value], list[Use]]] = {}
    for constant, alike in matches.exact.items():
        classes.setdefault(alike[0], (alike, []))[1].extend(constant.uses)
    for alike, uses in classes.values():
        turned = {value.made for value in alike}  # of the same elements still
        inner = (place for value in alike for place in known.inner.get(value, ()) if place[0] not in turned)
        places = sorted([place for value in alike for place in reads[value]] or inner)
        if len(places) == len(uses):
            yield from zip(sorted((use.node, use.slot) for use in uses), places, strict=True)


def _folded(matches: Matches) -> Iterator[Entry]:
    for norm, parts in matches.folds.items():
        for part, constant in parts.items():
            if len(constant.uses) == 1 and constant not in matches.exact:
                use = constant.uses[0]
                yield (use.node, use.slot), (norm.after[0], 1 if part is Part.WEIGHT else 2)


def out_of_order(found: list[Entry], constants: Iterable[Constant]) -> Iterator[tuple[Place, Place]]:
    """What stands where another of its shape is due, and that other."""
    shapes = {
        (use.node, use.slot): tuple(sorted(constant.array.squeeze().shape))
        for constant in constants
        for use in constant.uses
    }
    alike: dict[object, list[Place]] = defaultdict(list)
    for use, place in found:
        alike[shapes[use]].append(place)
    for places in alike.values():
        yield from ((place, due) for place, due in zip(places, sorted(places), strict=True) if place != due)


def labels(matches: Matches, known: Known) -> dict[Place, Want]:
    """What is read at each place."""
    inner = {place: Want(place, value) for value, places in known.inner.items() for place in places}
    folds = {want.place: want for norm in matches.folds for want in parts_of(norm)}
    return {**inner, **{place: Want(place, value) for place, value in known.reads}, **folds}
