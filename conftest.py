"""Options and plugins of the acceptance suite; what they mean is decided in tools/pipeline/inputs.py and fixtures/."""

from __future__ import annotations

import pytest

from tools.pipeline.inputs import VARIABLES

pytest_plugins = [
    "pytester",
    "fixtures.setup",
    "fixtures.artifacts",
    "fixtures.evidence",
    "fixtures.gates",
    "fixtures.checkpoint",
    "fixtures.preprocessing",
    "fixtures.onnx_model",
    "fixtures.om",
    "fixtures.accuracy",
    "fixtures.diagnosis",
    "fixtures.perf",
]

OPTIONS = {
    "checkpoint": ("PTH", "the published checkpoint (default: ./alexnet-owt-4df8aa71.pth, else the embedded sample)"),
    "imagenet": ("DIR", "folder with val/ and val_label.txt (default: /opt/npu/imagenet, else the embedded sample)"),
    "images": ("DIR", "folder of images, together with --labels"),
    "labels": ("FILE", "label file, lines `<image file name> <label>`, together with --images"),
    "limit": ("N", "use the first N images only; the verdict is then INCOMPLETE"),
    "spec": ("YAML", "the numbers to judge by (default: thresholds.yaml, thresholds-sample.yaml for the sample)"),
    "cache": ("DIR", "where artifacts are kept between runs (default: build/cache)"),
    "evidence": ("DIR", "where the run's results are written (default: build/evidence)"),
    "baseline": ("DIR", "evidence of an earlier run: fail on a loss that the spec does not allow"),
    "target": ("WHERE", "where OMs run: auto, ascend or simulator (default: auto; ascend never simulates)"),
    "infer-tool": ("TOOL", "auto, benchmark or ais_bench (default: auto, what is installed)"),
    "device": ("LIST", "devices that share the data set, e.g. 0,1,2,3 (default: 0)"),
    "soc": ("NAME", "insist on a chip such as Ascend310P3 (default: the spec's, else the device's own)"),
    "ais-bench-python": ("PROGRAM", "the interpreter that has ais_bench and aclruntime"),
    "busy-device": ("WORD", "refuse a busy device (default), or call its throughput inconclusive"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The inputs of a run; each option has an environment variable."""
    group = parser.getgroup("acceptance", "acceptance of a model port")
    for name, (metavar, text) in OPTIONS.items():
        group.addoption(f"--{name}", metavar=metavar, help=f"{text} [{VARIABLES[name.replace('-', '_')]}]")
    group.addoption(
        "--diagnose",
        choices=["on-failure", "always", "never"],
        default="on-failure",
        help="say at which node a variant leaves the checkpoint (default: when its accuracy fails)",
    )
    group.addoption("--remeasure", action="store_true", help="measure throughput anew (on a device it always is)")
    group.addoption("--strict-accuracy", action="store_true", help="the tight bound on the drop fails, not only warns")
    group.addoption("--sample", action="store_true", help="use the embedded sample even where real inputs are found")
