"""The table of all fuzz targets by name."""

from __future__ import annotations

from selftest.campaigns import fuzz_bundle_targets, fuzz_text_targets
from selftest.campaigns.fuzz_target import Target

TARGETS: dict[str, Target] = {
    target.name: target for target in (*fuzz_text_targets.TARGETS, *fuzz_bundle_targets.TARGETS)
}
