"""What a bundle says of predictions: the checkpoint's and whose they are, each variant's, and how they agree."""

from __future__ import annotations

import dataclasses
from functools import cached_property

from tools.judge.acceptance import Acceptance
from tools.judge.agreement import Agreement
from tools.judge.basis import MadeBy, ReferenceBasis, ReferenceProbe, drawn, probe_seed
from tools.judge.bundle_record import CLASS_CODES, SCORE_CODES, RecordedRun, once, there
from tools.judge.evidence import NoEvidence
from tools.judge.files import Files, Refused, read_npy, short
from tools.judge.ids import PTH, Variant
from tools.judge.prediction_records import TakenReference, VariantRecord
from tools.judge.predictions import Flips, TopFive, flips, top_five
from tools.judge.spec import Spec


class RecordedPredictions(RecordedRun):
    """The part of a bundle that predictions/ holds."""

    def __init__(self, name: str, files: Files, record: Acceptance, spec: Spec) -> None:
        super().__init__(name, files, record, spec)
        self._top_fives: dict[Variant, TopFive] = {}
        self._flips: dict[Variant, Flips] = {}

    @property
    def made_by(self) -> MadeBy:
        """Who has computed the checkpoint's predictions."""
        return MadeBy.CPU if self.record.reference is None else self.record.reference.made_by

    def taken_reference(self) -> TakenReference:
        """See Evidence."""
        reference = self.record.reference
        return there(None if reference is None else reference.taken, "no word on whose predictions were taken")

    def reference_basis(self) -> ReferenceBasis:
        """See Evidence."""
        return there(self.record.reference_basis, "no word on what the checkpoint's predictions follow from")

    def reference_probe(self) -> ReferenceProbe:
        """See Evidence; the images are those that the run's name and the digest of what was taken draw."""
        found = there(self.record.reference_probe, "no comparison of the checkpoint's predictions with the CPU's")
        there(self.record.dataset, "no record of the data set")
        manifest = self.taken_reference().manifest_sha256 if self.made_by is MadeBy.OTHER_RUN else ""
        seed = probe_seed(self.record.run, manifest)
        if found.ids != drawn(self.ids, seed, self.spec.accuracy.reference_probe_images):
            raise NoEvidence(f"the {len(found.ids)} images that were computed again are not those that chance draws")
        return found

    @cached_property
    def variants(self) -> dict[Variant, VariantRecord]:
        """What was recorded of each variant."""
        return once({entry.name: entry for entry in self.record.variants}, self.record.variants, "variants")

    def top_five(self, variant: Variant) -> TopFive:
        """See Evidence; the predictions of a recorded variant must be whole."""
        if variant not in self.variants:
            raise NoEvidence(f"no predictions of {variant}")
        if variant not in self._top_fives:
            self._top_fives[variant] = self._read_top_five(self.variants[variant])
        return self._top_fives[variant]

    def _read_top_five(self, record: VariantRecord) -> TopFive:
        if not record.name.known:
            raise Refused(f"{short(str(record.name))} is no name of a variant")
        places = self.spec.places
        classes = read_npy(self.files.read(record.top5_file), record.top5_file, CLASS_CODES, places)
        scores = read_npy(self.files.read(record.scores_file), record.scores_file, SCORE_CODES, places)
        if not len(classes) == len(scores) == places * len(self.labels) == places * len(self.ids):
            rows = f"{len(classes) // places} and {len(scores) // places} rows"
            raise Refused(f"{record.name}: {rows} for {len(self.ids)} ids")
        return top_five(record.name, classes, scores, self.labels)

    def flips(self, variant: Variant) -> Flips:
        """How a variant's top five differ from the checkpoint's."""
        if variant not in self._flips:
            self._flips[variant] = flips(self.top_five(PTH), self.top_five(variant))
        return self._flips[variant]

    def agreement(self, variant: Variant) -> Agreement:
        """See Evidence: cosines and errors take all logits and are as recorded, all else follows from the top fives.

        Where the five best scores leave open whether a flip lies beyond a near tie, the record decides.
        """
        found = self.flips(variant)
        recorded = self.variants[variant].agreement
        if recorded is None:
            raise NoEvidence(f"no agreement of {variant} was recorded")
        bounds = self.spec.agreement_bounds(variant.kind, on_device=self.on_device)
        near_tie = bounds.near_tie_logits.value
        known = set(recorded.flipped_beyond_near_tie)
        surely, possibly = found.surely_beyond(near_tie), found.possibly_beyond(near_tie)
        beyond = [row for row in found.gaps if row in surely or (row in possibly and self.ids[row] in known)]
        return dataclasses.replace(
            recorded,
            images=len(self.ids),
            unusable=(),
            top5_set_changed_percent=100 * found.top5_set_changed / len(self.ids),
            near_tie_logits=near_tie,
            flipped=tuple(self.ids[row] for row in found.gaps),
            flipped_beyond_near_tie=tuple(self.ids[row] for row in beyond),
        )
