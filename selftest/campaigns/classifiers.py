"""Every classifier of torchvision, and some of timm: `python -m selftest.campaigns.classifiers [SOURCE ...]`.

With --ports it is every port that is shipped, by the facts of its own file. For each a port is drafted as
tools/new_port.py drafts it, with calibrated random weights, and judged by every gate of host and simulator on a few
generated images, which the network's own answers label. One process a network, so that a crash costs one row. The table
goes into docs/classifiers.md; rows of networks that were not asked for are kept. Exit status 1 when one did not pass.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from selftest.campaigns.classifier_one import IMAGES, OF_PORT, Row, read_row
from tools.base import cli
from tools.base.files import ROOT, atomic
from tools.ports.spec import load_spec, port_names, port_path
from tools.sample.images import IMAGES_FOLDER, write_images

PAGE = ROOT / "docs" / "classifiers.md"
TIMM = (
    *("timm:resnet50d.ra2_in1k", "timm:resnet34.a1_in1k", "timm:efficientnet_b0.ra_in1k", "timm:mixnet_s.ft_in1k"),
    *("timm:mobilenetv3_large_100.ra_in1k", "timm:ghostnet_100.in1k", "timm:hardcorenas_a.miil_green_in1k"),
    *("timm:spnasnet_100.rmsp_in1k", "timm:dpn68.mx_in1k", "timm:dla34.in1k", "timm:hrnet_w18_small.ms_in1k"),
    *("timm:res2net50_26w_4s.in1k", "timm:skresnet18.ra_in1k", "timm:repvgg_a0.rvgg_in1k", "timm:cspresnet50.ra_in1k"),
    *("timm:inception_v4.tf_in1k", "timm:xception41.tf_in1k", "timm:deit_tiny_patch16_224.fb_in1k"),
    *("timm:mixer_b16_224.goog_in21k_ft_in1k", "timm:cait_xxs24_224.fb_dist_in1k"),
)
"""One of each family that the vendor's zoo has ports of, or the nearest that timm has."""
TIMEOUT_SECONDS = 3600.0
HEADING = (
    "| network | parameters, M | opset | passed | failed | 1 - cosine | largest error | bounds | s | reason |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)
INTRODUCTION = f"""# Classifiers that were tried

Written by `python -m selftest.campaigns.classifiers`: each network of torchvision, and some of timm, as a port that
`tools/new_port.py` drafts, with random weights (batch normalisation calibrated on the images, logits as wide as a
trained classifier's), over {IMAGES} generated images that the network itself has labelled. Asked are all gates of host
and simulator; what a drop may be is left open, since a few images of a random network prove nothing about it. What such
a run cannot say: whether published weights load, and what accuracy is lost on real images.

`opset` is the lowest at which torch's TorchScript exporter (`dynamo=False`, used throughout) writes the network and the
file takes batches. `1 - cosine` and `largest error` are the simulated OM's, of the worst image and logit. `bounds` says
whether these lie within the shared ones, or the port got its own by measurement (four times what was measured).
Rows of `port:NAME` are of the files in ports/ as they are shipped: their recipe, AIPP, opset and flags of atc.

"""


def write_other_images(folder: Path) -> None:
    """Generated images that are not the embedded sample's, which is known by its bytes."""
    from PIL import Image

    write_images(folder, IMAGES)
    for path in (folder / IMAGES_FOLDER).iterdir():
        with Image.open(path) as image:
            image.load()
            image.save(path, quality=90)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the networks asked for, all where none is; the page is written anew after each."""
    parser = argparse.ArgumentParser(description="Judge a port of every classifier, with random weights.")
    parser.add_argument("sources", nargs="*", help="torchvision:NAME, timm:NAME or port:NAME (default: all networks)")
    parser.add_argument("--ports", action="store_true", help="every port that is shipped")
    parser.add_argument("--skip-known", action="store_true", help="leave out networks that passed before")
    asked = parser.parse_args(argv)
    rows = read_page()
    sources = asked.sources or (shipped() if asked.ports else [*torchvision_classifiers(), *TIMM])
    with tempfile.TemporaryDirectory(prefix="classifiers-") as temporary:
        write_other_images(Path(temporary) / "imagenet")
        for source in sources:
            if asked.skip_known and source in rows and rows[source].passed_all:
                continue
            row = rows[source] = run_one(source, Path(temporary))
            print(row.line(), flush=True)
            write_page(rows)
    return cli.EXIT_OK if all(rows[source].passed_all for source in sources if source in rows) else cli.EXIT_FAILED


def shipped() -> list[str]:
    """All ports of published weights, the cheapest first."""
    specs = [spec for spec in (load_spec(port_path(name)) for name in port_names()) if spec.kind == "published"]
    flops = {spec.port: getattr(spec.model.flops_per_image, "value", 0.0) for spec in specs}
    return [f"{OF_PORT}{name}" for name in sorted(flops, key=lambda name: flops[name])]


def torchvision_classifiers() -> list[str]:
    """All classifiers of torchvision, the cheapest first."""
    from tools.model.library.facts import stated

    out = Path("any.yaml").absolute()
    names = _names()
    flops = {name: stated(f"torchvision:{name}", None, out).flops_per_image for name in names}
    return [f"torchvision:{name}" for name in sorted(names, key=lambda name: getattr(flops[name], "value", 0.0))]


def _names() -> list[str]:
    from tools.model.torchvision_ops import import_torchvision

    models = import_torchvision().models
    return list(models.list_models(module=models))


def run_one(source: str, folder: Path) -> Row:
    """One network in a process of its own."""
    words = [sys.executable, "-m", "selftest.campaigns.classifier_one", source, str(folder)]
    began = time.monotonic()
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Row(source, reason=f"not done after {TIMEOUT_SECONDS:g} s", seconds=TIMEOUT_SECONDS)
    found = read_row(done.stdout)
    if found is not None:
        return found
    last = " ".join(done.stderr.split())[-300:] or f"ended with exit code {done.returncode}"
    return Row(source, reason=last, seconds=time.monotonic() - began)


def read_page(page: Path = PAGE) -> dict[str, Row]:
    """The rows that the page has."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.is_file() else []
    rows = [Row.of_line(line) for line in lines if re.match(r"\| (?:torchvision|timm|port):", line)]
    return {row.source: row for row in rows}


def write_page(rows: dict[str, Row], page: Path = PAGE) -> None:
    """The page, with a count for each library."""
    text = INTRODUCTION
    for library, title in (("torchvision", "torchvision"), ("timm", "timm"), ("port", "ports/, by their own facts")):
        own = sorted((row for row in rows.values() if row.source.startswith(f"{library}:")), key=lambda row: row.source)
        if own:
            passed = sum(row.passed_all for row in own)
            text += f"## {title}: {passed} of the {len(own)} that were run pass\n\n{HEADING}"
            text += "".join(f"{row.line()}\n" for row in own) + "\n"
    with atomic(page) as partial:
        partial.write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main())
