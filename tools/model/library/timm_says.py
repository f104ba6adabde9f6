"""What timm states of a classifier and its weights: where they lie and how images are prepared, but no accuracy."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tools.base.errors import SuiteError
from tools.model.library.names import refuse_unknown
from tools.model.library.operations import counted_flops
from tools.model.library.recipes import drafted_recipe
from tools.model.network import import_timm
from tools.model.weightless import weightless
from tools.ports.stated import Argument, DraftedRecipe, Said, Stated, StatedWeights

DIGITS = re.compile(r"-([0-9a-f]{8,})\.pth$")
"""timm's releases carry the first digits of their sha256 in their names, as torchvision's do."""
HUB = "https://huggingface.co/{}/resolve/main/pytorch_model.bin"
OWN_RELEASES = ("github.com/rwightman/", "github.com/huggingface/pytorch-image-models/")


def timm_states(name: str, size: int | None = None) -> Stated:
    """A classifier of timm by the name of network and weights, `resnet50d.ra2_in1k`.

    Of weights for which timm states two sizes, `size` (pixels a side) takes the one; without it timm's own first is
    taken.
    """
    timm, cfg = import_timm(), _configuration(name)
    full = f"{cfg.architecture}.{cfg.tag}" if cfg.tag else name
    if not cfg.num_classes:
        raise SuiteError(f"timm:{full} is not a classifier: its weights have no classes", fix="name other weights")
    arguments: dict[str, Argument] = {}
    if cfg.label_offset:
        arguments["num_classes"] = cfg.num_classes + cfg.label_offset  # timm itself cuts the background class off
    whose = f"timm, pretrained_cfg of {full}"
    file = _file(cfg, full, whose)
    recipe = drafted_recipe(f"timm:{full}", file.file, whose, size)
    return Stated(
        name=full,
        title=cfg.architecture,
        source=f"timm:{full}",
        whose=f"what timm {timm.__version__} states of {full}",
        weights=file,
        recipe=recipe,
        classes=cfg.num_classes,
        arguments=arguments,
        label_offset=1 if cfg.label_offset else 0,
        flops_per_image=_flops(full, arguments, recipe),
        parameters=Said(_count(full, arguments), f"counted in timm {timm.__version__}'s network"),
        others=tuple(other for other in timm.list_pretrained(f"{cfg.architecture}.*") if other != full),
    )


def _configuration(name: str) -> Any:  # noqa: ANN401 - a class of timm's
    timm = import_timm()
    architecture, _, tag = name.partition(".")
    refuse_unknown("timm", architecture, timm.list_models())
    known = [other for other in timm.list_pretrained(f"{architecture}.*") if other.partition(".")[0] == architecture]
    if tag:
        refuse_unknown("timm", name, known)
    found = timm.models.get_pretrained_cfg(name)
    if found is None:
        raise SuiteError(f"timm states nothing of {name}", fix="describe it as python:FILE.py:FUNCTION")
    return found


def _flops(name: str, arguments: dict[str, Argument], recipe: DraftedRecipe) -> Said | None:
    side = recipe.resize_px if recipe.crop_px is None else recipe.crop_px
    assert side is not None  # timm says both
    size = side if isinstance(side, tuple) else (side, side)
    flops = counted_flops(lambda: import_timm().create_model(name, pretrained=False, **arguments), size)
    said = f"counted by torch.utils.flop_counter at {size[0]} x {size[1]}, timm {import_timm().__version__}"
    return None if flops is None else Said(flops, said)


def _count(name: str, arguments: dict[str, Argument]) -> int:
    network = weightless(lambda: import_timm().create_model(name, pretrained=False, **arguments))
    return sum(parameter.numel() for parameter in network.parameters())


def _file(cfg: Any, name: str, whose: str) -> StatedWeights:  # noqa: ANN401
    """timm's own release, whose name holds digits; else the file on the hub, of which nobody states any.

    The files of other people have names for tensors that timm changes while it loads them; those on the hub have its
    own.
    """
    path = PurePosixPath(urlsplit(cfg.url or "").path)
    own = any(place in (cfg.url or "") for place in OWN_RELEASES)
    if path.suffix in (".pth", ".pt") and (own or not cfg.hf_hub_id):
        digits = DIGITS.search(path.name)
        doubts = [] if digits else ["the sha256 of the file; a port without one is never ACCEPTED"]
        doubts += [] if own else ["state_dict_key, where the weights lie under a key such as model"]
        said = f"{whose}; the digits stand in the file's name" if digits else whose
        return StatedWeights(path.name, said, cfg.url, digits[1] if digits else None, doubt="; ".join(doubts))
    doubt = "the sha256 of the file; a port without one is never ACCEPTED"
    if cfg.hf_hub_id:
        return StatedWeights(f"{name}.bin", f"{whose}, hub", HUB.format(cfg.hf_hub_id), doubt=doubt)
    return StatedWeights(f"{name}.pth", "a blank", doubt=f"where the weights come from, and {doubt}")
