"""One ONNX file against one checkpoint: what is right, and of what is wrong, which tensor it should have been."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tools.judge.facts import WeightFacts
from tools.judge.handed_in import declares
from tools.model.checkpoint import StateDict
from tools.model.weights.constants import Known, Norm, Value
from tools.model.weights.matching import Matches, Part, fits, is_part, match, neighbours
from tools.model.weights.onnx_constants import Constant
from tools.model.weights.reading_order import entries, labels, out_of_order
from tools.model.weights.wants import Want, error_of, is_nothing, may_have, parts_of

FEW = 8
"""So many elements an exporter makes of numbers in the code: scales of a resize, paddings."""
ALIKE = 0.5
"""A constant this near (of the largest element) to a tensor that is missing is taken for it, to name it."""


@dataclass
class Findings:
    """`offenders`: what is said of each. `bad`: the checkpoint's tensors they are of. `strangers`: those of none.

    What the patterns of `differ` fit is no offender, but `declared` by its name.
    """

    differ: tuple[str, ...] = ()
    offenders: dict[str, None] = field(default_factory=dict)
    declared: dict[str, None] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    strangers: int = 0

    def add(self, text: str, names: frozenset[str]) -> None:
        """One offender, and the checkpoint's tensors that it is of; passed over if all of them are known already."""
        if text not in self.offenders and names - self.bad:
            if all(declares(self.differ, name) for name in names):
                self.declared.update(dict.fromkeys(sorted(names - self.bad)))
            else:
                self.offenders[text] = None
            self.bad |= names

    def add_stranger(self, name: str) -> None:
        """A constant of the file that is no tensor of the checkpoint."""
        text = f"{name} not in the checkpoint"
        if text in self.offenders or name in self.declared:
            return
        self.strangers += 1
        if declares(self.differ, name):
            self.declared[name] = None
        else:
            self.offenders[text] = None


class Comparison:
    """One file against one checkpoint."""

    def __init__(
        self, constants: tuple[Constant, ...], known: Known, state_dict: StateDict, differ: tuple[str, ...] = ()
    ) -> None:
        self._constants, self._known, self._state_dict = constants, known, state_dict
        self._matches = match(constants, known, state_dict)
        self._there = _found_values(self._matches)
        self._anchors = entries(self._matches, known)
        self._by_node = neighbours(constants)
        self._normalisations = _normalisations(self._matches)
        self._found = Findings(differ)

    def facts(self) -> WeightFacts:
        """Name what is wrong, count the rest."""
        wanted = self._wanted()
        for constant in self._unexplained():
            self._name(constant, wanted)
        for want in wanted:
            for name in sorted(self._lacking(want)):
                self._found.add(f"{name} missing", frozenset([name]))
        self._check_order()
        bad, used = self._found.bad, self._known.used() | self._found.bad
        recomputed = self._recomputed() - bad
        return WeightFacts(
            offenders=tuple(self._found.offenders),
            among=len(used) + self._found.strangers,
            exact=len(used - recomputed - bad),
            recomputed=len(recomputed),
            foreign=self._found.strangers,
            unused=tuple(sorted(self._state_dict.keys() - used)),
            declared=tuple(self._found.declared),
        )

    def _recomputed(self) -> set[str]:
        """Checkpoint's tensors that are in the file as part of something computed."""
        folded = (want.sources() for norm in self._matches.folds for want in parts_of(norm))
        derived = (value.sources() for value in self._matches.derived.values())
        direct = {name for value in self._there - {*self._matches.derived.values()} for name in value.names}
        return {name for names in (*folded, *derived) for name in names} - direct

    def _wanted(self) -> list[Want]:
        """What is read and not there; of a folded normalisation the part that is not."""
        wanted = {
            want: None
            for norm, parts in self._matches.folds.items()
            for want in parts_of(norm)
            if want.fold is not None and want.fold[1] not in parts and not is_nothing(want, norm)
        }
        folded = {norm.at[0] for norm in self._matches.folds} | {norm.after[0] for norm in self._matches.folds}
        for place, value in self._known.reads:
            if value.sources() and place[0] not in folded and not self._is_there(value):
                wanted[Want(place, value)] = None
        return list(wanted)

    def _is_there(self, value: Value) -> bool:
        """In the file itself, or all that it is made of is."""
        if value in self._there or (not value.names and not value.sources()):
            return True
        return bool(value.parents) and all(self._is_there(parent) for parent in value.parents)

    def _lacking(self, want: Want) -> frozenset[str]:
        """The checkpoint's tensors that are to blame."""
        if want.fold is not None:
            return want.sources()
        there = (value for value in want.value.line() if value in self._there)
        return want.sources() - {name for value in there for name in value.names}

    def _unexplained(self) -> list[Constant]:
        explained = self._matches.explained()
        return [constant for constant in self._constants if constant.is_float and constant not in explained]

    def _name(self, constant: Constant, wanted: list[Want]) -> None:
        """Say of which tensor the constant is a wrong copy; of none, it is a stranger, unless a number of the code."""
        folded = self._folded_under_its_name(constant)
        if constant.name in self._state_dict and folded is None:
            own = Value(self._state_dict[constant.name], (constant.name,))
            _take(wanted, [want for want in wanted if own.names[0] in want.value.names])
            self._say(constant, Want((0, 0), own))
            return
        chosen = folded or self._beside(constant, wanted) or self._nearest(constant, wanted)
        if chosen is not None:
            _take(wanted, [chosen])
            if chosen.fold is not None:
                self._fold_begun(constant, chosen.fold, wanted)
            self._say(constant, chosen)
        elif constant.array.size > FEW and not (constant.array == constant.array.flat[0]).all():
            again = self._in_its_place(constant)
            if again is None:
                self._found.add_stranger(constant.name)
            else:
                self._say(constant, again)

    def _fold_begun(self, constant: Constant, fold: tuple[Norm, Part], wanted: list[Want]) -> None:
        """The constant is one part of a fold: it is the other part, beside it in the file, that is to be looked for."""
        norm, part = fold
        if norm in self._matches.folds:
            return
        self._matches.folds[norm][part] = constant
        reads = [want for want in wanted if want.place[0] in (norm.at[0], norm.after[0])]
        _take(wanted, reads)
        beside = [other for use in constant.uses for other in self._by_node[use.node] if other is not constant]
        rest = [
            want for want in parts_of(norm) if want.fold and want.fold[1] is not part and not is_nothing(want, norm)
        ]
        for want in rest:
            if not any(want.fold and is_part(other, *want.fold) for other in beside):
                wanted.append(want)

    def _folded_under_its_name(self, constant: Constant) -> Want | None:
        """The fold of the layer whose weight has the constant's name: the newer exporter keeps it."""
        norms = (norm for norm in self._known.norms if constant.name in norm.weight.names and self._is_gone(norm))
        return next((parts_of(norm)[0] for norm in norms if fits(constant, norm, Part.WEIGHT)), None)

    def _beside(self, constant: Constant, wanted: list[Want]) -> Want | None:
        """The part of a fold whose other part the same node reads."""
        read = {other for use in constant.uses for other in self._by_node[use.node]}
        parts = [want for want in wanted if want.fold is not None and want.fits(constant)]
        return next(
            (want for want in parts if want.fold and read & {*self._matches.folds[want.fold[0]].values()}), None
        )

    def _nearest(self, constant: Constant, wanted: list[Want]) -> Want | None:
        """The want that the constant is most like, among those between its neighbours in the file if there are any."""
        folded = [norm for norm in self._known.norms if self._is_gone(norm)]
        gone = {place for norm in folded for place in (norm.at[0], norm.after[0])}
        singly = [want for want in wanted if want.fold is not None or want.place[0] not in gone]
        folds = [want for norm in folded for want in parts_of(norm)]
        fitting = [want for want in dict.fromkeys([*singly, *folds]) if want.fits(constant)]
        low, high = self._window(constant)
        within = [want for want in fitting if low <= want.place[0] <= high]
        near = min(within or fitting, key=lambda want: error_of(constant, want)[0], default=None)
        if near is None or ((constant.array.size <= FEW or not within) and error_of(constant, near)[0] > ALIKE):
            return None
        return near

    def _is_gone(self, norm: Norm) -> bool:
        """Is there no node that is this normalisation, with one wrong tensor at most?"""
        own = {value for value in (norm.gamma, norm.beta, norm.mean, norm.variance) if value is not None}
        return norm not in self._matches.folds and all(len(own - read) > 1 for read in self._normalisations)

    def _in_its_place(self, constant: Constant) -> Want | None:
        """A value of that shape that is read between the constant's neighbours, though its like is elsewhere too."""
        low, high = self._window(constant)
        reads = (Want(place, value) for place, value in self._known.reads if value.sources())
        within = [want for want in reads if low <= want.place[0] <= high and want.fits(constant)]
        return min(within, key=lambda want: error_of(constant, want)[0], default=None)

    def _window(self, constant: Constant) -> tuple[int, int]:
        """The operations of the network between which the node reads the constant."""
        node = constant.uses[0].node if constant.uses else -1
        before = [place[0] for use, place in self._anchors if use[0] < node]
        after = [place[0] for use, place in self._anchors if use[0] > node]
        return (before[-1] if before else 0, after[0] if after else self._known.reads[-1][0][0])

    def _say(self, constant: Constant, want: Want) -> None:
        error, where = error_of(constant, want)
        text = f"{want} differs: largest error {error:.1e} of its largest value, at {where}"
        if want.fold is None and not may_have(constant, want.value):
            kept = want.value.tensor
            held = f"{constant.array.dtype} {list(constant.array.shape)}"
            text = f"{want} differs: {held} in the file, {str(kept.dtype)[6:]} {list(kept.shape)} in the checkpoint"
        self._found.add(text, want.sources())

    def _check_order(self) -> None:
        label = labels(self._matches, self._known)
        for place, due in out_of_order(self._anchors, self._constants):
            if str(label[place]) != str(label[due]):
                names = label[place].sources() | label[due].sources()
                self._found.add(f"{label[place]} stands in the place of {label[due]}", names)


def _normalisations(matches: Matches) -> list[set[Value]]:
    """What each node of batch normalisation reads."""
    read: dict[int, set[Value]] = defaultdict(set)
    for constant, alike in matches.exact.items():
        for use in constant.uses:
            if use.operator == "BatchNormalization":
                read[use.node].update(alike)
    return list(read.values())


def _found_values(matches: Matches) -> set[Value]:
    """What nodes of the file read, as itself."""
    exact = (value for constant, alike in matches.exact.items() if constant.uses for value in alike)
    return {*exact, *(value for constant, value in matches.derived.items() if constant.uses)}


def _take(wanted: list[Want], taken: list[Want]) -> None:
    wanted[:] = [want for want in wanted if want not in taken]
