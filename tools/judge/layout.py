"""Where everything stands in the folder of a bundle; docs/evidence-schema.md describes it."""

from __future__ import annotations

FILE = "acceptance.json"
MANIFEST = "MANIFEST.sha256"
SIGNATURE = f"{MANIFEST}.sig"
"""A signature over the manifest, which is in no manifest."""
SPEC_JSON, PORT = "spec.json", "port"
IDS, LABELS = "predictions/ids.json", "predictions/labels.npy"
REFERENCE_LOGITS = "predictions/pth.logits.npy"
"""Every logit of the checkpoint, float32 (N, classes), a row an id of IDS; there only where it was asked for."""
LOGS = "logs"
