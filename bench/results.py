"""Reading an engine's results: text dumps to Top-1 to Top-5."""

from __future__ import annotations

from bench.material import repeated, write_dumps
from bench.measure import in_turn
from bench.reference import score_dumps
from bench.rows import Row, Setting
from tools.ascend.dumps import read_logits
from tools.engines.topk import hits, top_k


def measure_dumps(setting: Setting, dumps: int) -> list[Row]:
    """Text dumps to Top-1 to Top-5."""
    import numpy as np

    ids = list(repeated(setting.files, dumps))
    folder = setting.fresh("dumps") / "result"
    write_dumps(folder, ids)
    labels = {name: number % 1000 for number, name in enumerate(ids)}
    expected = np.fromiter(labels.values(), np.int64, len(labels))
    rounds = in_turn(
        {
            "reference": lambda: score_dumps(folder, labels),
            "ours": lambda: hits(top_k(read_logits(folder, ids, 1000, gate="accuracy.dumps")), expected),
            "read": lambda: [path.read_bytes() for path in folder.iterdir()],
        },
        setting.rounds,
    )
    against = "the guide's vision_metric.py"
    return [
        Row("text dumps to Top-1 to Top-5", against, rounds.ratio("reference", "ours"), 5.0),
        Row("reading the bytes alone (the limit)", against, rounds.ratio("reference", "read"), None),
    ]
