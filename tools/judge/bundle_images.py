"""What a bundle says of its images: the data set, their way from step to step, and their preprocessing."""

from __future__ import annotations

import dataclasses
from functools import cached_property

from tools.judge.bundle_record import RecordedRun, once, there
from tools.judge.dataset import foreign_ids, other_images
from tools.judge.evidence import NoEvidence
from tools.judge.facts import AippFacts, BinFacts, JpegFacts, ParityFacts, RecipeFacts
from tools.judge.files import short
from tools.judge.handover import Handover
from tools.judge.ids import Variant
from tools.judge.image_records import DatasetRecord


class RecordedImages(RecordedRun):
    """The part of a bundle that is about images; what looked at some of them looked at as many as the spec asks for."""

    def dataset(self) -> DatasetRecord:
        """See Evidence; which ids are foreign is found out again, for another port may judge."""
        found = there(self.record.dataset, "no record of the data set")
        return dataclasses.replace(found, foreign_ids=foreign_ids(self.ids, self.spec.dataset))

    def gap(self) -> str:
        """See Evidence; the words are the record's, whether there is a gap is found out again."""
        dataset = self.dataset()
        if not other_images(self.ids, dataset.images_sha256, self.spec.dataset):
            return ""
        return dataset.gap or "these are not the images that this port asks for"

    @cached_property
    def handovers(self) -> dict[str, Handover]:
        """The hand-overs by step."""
        recorded = self.record.handovers
        return once({entry.step: entry.handover for entry in recorded}, recorded, "handovers")

    def handover(self, step: str) -> Handover:
        """See Evidence; a hand-over of the whole data set counts as many ids as there are."""
        if step not in self.handovers:
            raise NoEvidence(f"no predictions of {step}" if Variant(step).known else f"no hand-over of {step}")
        found = self.handovers[step]
        whole = self.record.dataset is not None and (step != "labels" or self.record.dataset.limit is None)
        if found.conserved and whole and self.bins_whole and found.expected != len(self.ids):
            raise NoEvidence(f"{found.expected} ids were handed over, {len(self.ids)} are there")
        return found

    @property
    def bins_whole(self) -> bool:
        """Whether no bin was lost or invented, which is a gate of its own."""
        bins = self.handovers.get("bins")
        return bins is None or bins.conserved

    def bins(self) -> BinFacts:
        """See Evidence; as many were looked at as there are images."""
        found = there(self.record.bins, "no facts about the bins")
        self.looked_at(found.among, None)
        return found

    def jpegs(self) -> JpegFacts:
        """See Evidence; as many were looked at as there are images."""
        found = there(self.record.jpegs, "no facts about the JPEG files")
        self.looked_at(found.among, None)
        return found

    def aipp(self) -> AippFacts:
        """See Evidence."""
        return there(self.record.aipp, "no AIPP file")

    def parity(self) -> ParityFacts:
        """See Evidence; as many were looked at as the spec asks for, or all where there are fewer.

        Of pixels that a function of the port's own makes none are looked at.
        """
        found = there(self.record.parity, "no comparison of bins with torchvision")
        asked = self.spec.preprocessing
        if asked.function is not None:
            return found
        self.looked_at(len(set(found.looked_at)), asked.parity_images)
        others = set(found.looked_at).difference(self.ids if self.record.dataset is not None else found.looked_at)
        if others:
            raise NoEvidence(f"{short(min(others))} was looked at, which is no image of the data set")
        return found

    def recipe(self) -> RecipeFacts:
        """See Evidence; what a library states is not found out again."""
        return there(self.record.recipe, "no word on the recipe that a library states")

    def looked_at(self, count: int, at_most: int | None) -> None:
        """NoEvidence unless `count` images are all, or `at_most` of them; not asked while bins are missing."""
        if self.record.dataset is None or not self.bins_whole:
            return
        wanted = len(self.ids) if at_most is None else min(at_most, len(self.ids))
        if count != wanted:
            raise NoEvidence(f"{count} were looked at, not {wanted}")
