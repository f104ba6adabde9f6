"""Step preprocessing: labels, images, bins and the .info list."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import PreprocessingError
from tools.data import bins as bin_files
from tools.data import bins_check, parity_sample, reference
from tools.data import jpegs as jpeg_files
from tools.data import pixels as pixel_store
from tools.data.dataset import LabelledImages, dataset_digests, read_dataset
from tools.data.info import InfoRow, bin_rows, read_info, rows_of, write_info
from tools.data.parity_sample import Headers
from tools.data.pixel_maker import PixelMaker
from tools.judge import ids
from tools.judge.dataset import byte_equal, foreign_ids, incompleteness, labels_sha256
from tools.judge.facts import BinFacts, JpegFacts, ParityFacts, RecipeFacts
from tools.judge.handover import Handover, handover
from tools.judge.image_records import DatasetRecord
from tools.judge.spec import Preprocessing
from tools.model.library import stated_recipe
from tools.pipeline.context import Context
from tools.pipeline.once import once
from tools.pipeline.port_sample import SampleStep
from tools.sample import images as sample
from tools.sample.known import sample_images
from tools.store import content
from tools.store.artifacts import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INFO, JPEG_INFO = "imagenet_prep_bin.info", "ImageNet.info"


@dataclass(frozen=True)
class Pixels:
    """Every image, decoded once and kept as uint8: what engines of this process read, and what bins are made from.

    `content` names the float32 values that come out: the store's digest and how they are normalised.
    """

    store: pixel_store.PixelStore
    content: str

    def read(self, count: int) -> NDArray[np.float32]:
        """The first `count` images as float32 (N, 3, height, width), all of them where there are fewer."""
        return self.store.read(self.store.ids[:count])

    def batch(self, size: int) -> NDArray[np.float32]:
        """Exactly `size` images to time a batch with; images repeat where the data set has fewer."""
        return self.store.read(tuple(itertools.islice(itertools.cycle(self.store.ids), size)))


@dataclass(frozen=True)
class Bins:
    """The images as files: a folder with `<id>.bin` for every id, and a digest of all that lies in it."""

    folder: Path
    ids: tuple[str, ...]
    recipe: Preprocessing
    kind: bin_files.BinType
    content: str


@dataclass(frozen=True)
class Jpegs:
    """The images as the vendor's tool is given them where the chip decodes: a row of the .info list for each, read
    back, what is wrong with any, and a digest of files and sizes."""

    folder: Path
    rows: tuple[InfoRow, ...]
    facts: JpegFacts
    content: str


class DataStep:
    """The labelled images, decoded once, and the files that the vendor's tools read."""

    def __init__(self, context: Context, made: SampleStep) -> None:
        self._context, self._made = context, made
        self._folder: Path | None = None
        self._store: pixel_store.PixelStore | None = None

    def folder(self) -> Path | None:
        """The folder of the images, None where the run did not come to them."""
        return self._folder

    def close(self) -> None:
        """Let go of the store of pixels."""
        if self._store is not None:
            self._store.close()

    @once
    def dataset(self) -> LabelledImages:
        """Images and labels the run was pointed at, or the embedded sample's."""
        inputs, asked = self._context.inputs, self._context.spec.dataset
        images, labels = inputs.images, inputs.labels
        if images is None or labels is None:
            images, labels = self._generated(int(asked.images.exactly))
        return read_dataset(images, labels, classes=asked.classes, limit=inputs.limit)

    def _generated(self, count: int) -> tuple[Path, Path]:
        """The folder and the label file of the images made for this port, else of the embedded sample's."""
        made = self._made.sample()
        if made is not None:
            return made.images, made.labels
        recipe = Recipe("sample-images", {"images": str(count)}, code=(sample,))
        kept = self._context.build(recipe, lambda place: sample.write_images(place / "imagenet", count))
        folder = kept.path / "imagenet"
        return folder / sample.IMAGES_FOLDER, folder / sample.LABEL_FILE

    @once
    def file_digests(self) -> dict[str, str]:
        """File name -> sha256 of every image and of the label file, taken before anything is made from them."""
        return dataset_digests(self.dataset(), classes=self._context.spec.dataset.classes)

    @once
    def image_digests(self) -> dict[str, str]:
        """Id -> sha256 of every image: what pixels depend on, which labels are not."""
        return {name: self.file_digests()[path.name] for name, path in self.dataset().images.items()}

    @once
    def record(self) -> DatasetRecord:
        """The labelled images for the evidence, with the reason why they are not those that the spec asks for."""
        data, inputs, asked = self.dataset(), self._context.inputs, self._context.spec.dataset
        self._folder = next(iter(data.images.values())).parent
        sha256 = content.digests_sha256(self.file_digests())
        made = self._made.sample() if inputs.sample_data else None
        found = DatasetRecord(
            images=len(data.ids),
            embedded_sample=inputs.sample_data or sample_images(self.image_digests().values()) > 0,
            limit=inputs.limit if data.limited else None,
            ids_sha256=data.ids_sha256,
            images_sha256=sha256,
            labels_sha256=labels_sha256(data.labels),
            foreign_ids=foreign_ids(data.ids, asked),
            byte_equal=byte_equal(self.image_digests()),
            gap=incompleteness(data.ids, sha256, asked),
            labels_by_reference="" if made is None else made.made.why,
        )
        return self._context.staging.put_dataset(found, self.targets())

    @once
    def targets(self) -> dict[str, int]:
        """Id -> the output of the image's class: its label, behind a background class where the network has one."""
        offset = self._context.spec.model.label_offset
        return {name: label + offset for name, label in self.dataset().labels.items()}

    @once
    def pixels(self) -> Pixels:
        """Every image decoded, resized and cut; the store is resumed where an interrupted run left it.

        What is decoded are the very bytes whose digest names the store, and no image is lost on the way.
        """
        self.recipe_facts()  # whatever is predicted from these pixels, the evidence says how the library would cut them
        maker = PixelMaker(self._context.spec.preprocessing, self._context.inputs.port.parent)
        recipe = Recipe(
            "pixels",
            {"images": content.digests_sha256(self.image_digests()), **maker.about},
            code=(pixel_store,),
            resumable=True,
        )
        artifact = self._context.build(
            recipe,
            lambda folder: pixel_store.write_pixels(self.dataset().images, folder, maker, self.image_digests()),
        )
        store = self._store = pixel_store.PixelStore(artifact.path, maker.recipe)
        matched = handover("images", self.dataset().ids, "the store of pixels", store.ids)
        if not matched.conserved:
            raise PreprocessingError(str(matched), gate=ids.PREPROCESSING_IMAGES, where=store.folder)
        return Pixels(store, f"{artifact.content}, {maker.recipe.normalisation}")

    @once
    def bins(self) -> Bins:
        """Every image as a file, for the gates and tools that read files."""
        pixels, kind = self.pixels(), self._context.spec.bin_type
        recipe = Recipe("bins", {"pixels": pixels.content, "type": kind}, code=(pixel_store,))
        artifact = self._context.build(recipe, lambda folder: pixel_store.write_stored_bins(pixels.store, folder, kind))
        return Bins(artifact.path, pixels.store.ids, pixels.store.recipe, kind, artifact.content)

    @once
    def jpegs(self) -> Jpegs:
        """The JPEG files with their .info list, written as for the vendor's tool and read back."""
        images = self.dataset().images
        folder, path = next(iter(images.values())).parent.absolute(), self._context.scratch("info") / JPEG_INFO
        write_info(rows_of(images, str(folder)), path)
        rows = read_info(path)
        sizes = {row.id: (row.width, row.height) for row in rows}
        about = {"images": content.digests_sha256(self.image_digests()), "sizes": repr(sorted(sizes.items()))}
        digest = hashlib.sha256(repr(sorted(about.items())).encode()).hexdigest()
        recipe = Recipe("jpeg-facts", {"files and sizes": digest}, code=(jpeg_files,))
        facts = self._context.remember(recipe, JpegFacts, lambda: jpeg_files.inspect_jpegs(images, sizes))
        return Jpegs(folder, rows, self._context.staging.put(facts, "jpegs"), digest)

    def fit_jpegs(self) -> Jpegs:
        """The same; PreprocessingError where the tool cannot be given them."""
        found = self.jpegs()
        jpeg_files.require_fit(found.facts, found.folder)
        return found

    def require_unchanged(self) -> None:
        """PreprocessingError where an image is another by now: to have the chip decode it, the tool reads it itself."""
        jpeg_files.require_unchanged(self.dataset().images, self.image_digests())

    @once
    def bin_facts(self) -> BinFacts:
        """What every bin looks like."""
        bins = self.bins()
        recipe = Recipe("bins-facts", {"bins": bins.content}, code=(bins_check,))
        found = self._context.remember(
            recipe, BinFacts, lambda: bins_check.inspect_bins(bins.folder, bins.recipe, bins.kind)
        )
        return self._context.staging.put(found, "bins")

    @once
    def recipe_facts(self) -> RecipeFacts:
        """The recipe that a library states for these weights, and where the port departs from it."""
        asked = self._weights()
        recipe = Recipe("recipe-facts", self._recipe_words(), code=(stated_recipe,))
        found = self._context.remember(
            recipe, RecipeFacts, lambda: stated_recipe.recipe_facts(self._context.spec.preprocessing, *asked)
        )
        return self._context.staging.put(found, "recipe")

    @once
    def parity(self) -> ParityFacts:
        """Some bins compared byte for byte with a library's own transforms: rare kinds, and others by chance.

        Where the chip decodes these are of the pictures that the checkpoint sees, made for this alone.
        """
        asked = self._context.spec.preprocessing
        if asked.function is not None:
            self.bins()
            return self._context.staging.put(ParityFacts((), (), ""), "bins")
        digests, looked_at = self.image_digests(), self._drawn()
        bins = self._some_bins(looked_at) if asked.is_jpeg else self.bins()
        about = {
            **self._recipe_words(),
            "bins": bins.content,
            "images": content.digests_sha256({name: digests[name] for name in looked_at}),
            "looked at": ",".join(looked_at),
        }

        def compare() -> ParityFacts:
            images = {name: self.dataset().images[name] for name in looked_at}
            like = reference.reference(bins.recipe, stated_recipe.nearest(bins.recipe, *self._weights()))
            whole = reference.PixelReference(bins.recipe) if bins.kind == "uint8" else None
            differing = bins_check.differing_bins(images, bins.folder, like, digests, bins.kind, whole)
            return ParityFacts(looked_at, differing, like.name)

        found = self._context.remember(Recipe("bins-parity", about, code=(bins_check, reference)), ParityFacts, compare)
        return self._context.staging.put(found, "bins")

    def _some_bins(self, ids: tuple[str, ...]) -> Bins:
        """Bins of these images alone, in a folder of this run's."""
        pixels, kind = self.pixels(), self._context.spec.bin_type
        folder = self._context.scratch("parity") / "bins"
        pixel_store.write_stored_bins(pixels.store, folder, kind, ids)
        return Bins(folder, ids, pixels.store.recipe, kind, pixels.content)

    def _drawn(self) -> tuple[str, ...]:
        """The ids for parity: other ones in every run, the same for all of a run's workers."""
        store = self.pixels().store
        count, headers = store.recipe.parity_images, Headers({})
        if len(store.ids) > count:
            named = {path.name: self.file_digests()[path.name] for path in self.dataset().images.values()}
            recipe = Recipe("image-headers", {"images": content.digests_sha256(named)}, code=(parity_sample,))
            images = self.dataset().images
            headers = self._context.remember(recipe, Headers, lambda: parity_sample.read_headers(images))
        return parity_sample.draw(store.ids, headers, store.recipe, count, self._context.run)

    def _weights(self) -> tuple[str, str]:
        """Which weights these are, as a library knows them: the network's source and the name of their file."""
        spec = self._context.spec
        return spec.model.source, spec.checkpoint.file

    def _recipe_words(self) -> dict[str, str]:
        """What the recipe that a library states is found by, and compared with."""
        source, file = self._weights()
        recipe = self._context.spec.preprocessing
        return {"model": source, "checkpoint": file, "recipe": f"{recipe.geometry}, {recipe.normalisation}"}

    @once
    def handed_over(self, step: str) -> Handover:
        """The ids on both sides of a step: labels, images, bins or info."""
        found = {
            "labels": lambda: self.dataset().handover,
            "images": lambda: handover("images", self.dataset().ids, "the store of pixels", self.pixels().store.ids),
            "bins": lambda: handover("images", self.dataset().ids, "bins", self._listed_bins()),
            "info": self._listed,
        }[step]()
        return self._context.staging.put_handover(step, found)

    def _listed(self) -> Handover:
        """What the vendor's tool is to read, against its list."""
        if self._context.spec.preprocessing.is_jpeg:
            return handover("images", self.dataset().ids, ".info list", (row.id for row in self.jpegs().rows))
        return handover("bins", self._listed_bins(), ".info list", self._info_ids())

    def _listed_bins(self) -> tuple[str, ...]:
        """The ids that really lie in the folder."""
        return tuple(bin_files.list_bins(self.bins().folder))

    def _info_ids(self) -> list[str]:
        """The .info list, written as for the vendor's tool and read back."""
        bins = self.bins()
        path = self._context.scratch("info") / INFO
        height, width = bins.recipe.pixels_size
        write_info(bin_rows(str(bins.folder), width, height), path)
        return [row.id for row in read_info(path)]
