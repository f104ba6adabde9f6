"""The matrix that `tools/accept_ports.py --list-json` prints, on stdin, in the words of a CI system.

`python ci/matrix.py github|gitlab|lines`: GitHub's `strategy.matrix` in one line; a GitLab child pipeline; a line a job
with its variables, tabs between them. Standard library only. Exit code 2 and one line for what is no matrix, and for an
empty one: a pipeline without jobs would be green.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

GITLAB_JOBS_MAX = 200
"""As many jobs as GitLab allows in one `parallel: matrix` (its documentation of that keyword)."""


class Job(NamedTuple):
    """A port, as pytest's --port takes it, and the chip it is judged on; empty where no figure names one."""

    port: str
    chip: str

    @property
    def variables(self) -> dict[str, str]:
        """What the suite is told (README.md)."""
        return {"ACCEPTANCE_PORT": self.port, **({"ACCEPTANCE_SOC": self.chip} if self.chip else {})}


def read_jobs(text: str) -> list[Job]:
    """The rows of the matrix; ValueError for anything else, and for none."""
    matrix = json.loads(text)
    rows = matrix.get("include") if isinstance(matrix, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError('it has no jobs; {"include": [{"port": "alexnet", "chip": "Ascend310P3"}, …]} is wanted')
    return [_job(row) for row in rows]


def _job(row: object) -> Job:
    """One row, whose values fit on a line."""
    said = (row.get("port"), row.get("chip")) if isinstance(row, dict) else ("", "")
    port, chip = (word if isinstance(word, str) and (not word or word.isprintable()) else None for word in said)
    if not port or chip is None:
        raise ValueError(f"a row names no port and chip: {json.dumps(row)}")
    return Job(port, chip)


def github(jobs: Sequence[Job]) -> str:
    """One line, as `$GITHUB_OUTPUT` wants it."""
    return json.dumps({"include": [job._asdict() for job in jobs]})


def gitlab(jobs: Sequence[Job]) -> str:
    """A child pipeline: the job of ci/gitlab/ascend-port.yml, as often as there are jobs (YAML reads JSON)."""
    parts = [jobs[start : start + GITLAB_JOBS_MAX] for start in range(0, len(jobs), GITLAB_JOBS_MAX)]
    pipeline = {
        f"ascend {number}": {"extends": ".ascend-port", "parallel": {"matrix": [job.variables for job in part]}}
        for number, part in enumerate(parts, 1)
    }
    return json.dumps(pipeline, indent=1)


def lines(jobs: Sequence[Job]) -> str:
    """A job a line: ACCEPTANCE_PORT=…, and behind a tab ACCEPTANCE_SOC=…."""
    return "\n".join("\t".join(f"{name}={value}" for name, value in job.variables.items()) for job in jobs)


FORMS: dict[str, Callable[[Sequence[Job]], str]] = {"github": github, "gitlab": gitlab, "lines": lines}


def main(words: Sequence[str]) -> int:
    """Print the matrix; the exit code."""
    if len(words) != 1 or words[0] not in FORMS:
        print(f"usage: ci/matrix.py {' | '.join(FORMS)} < MATRIX", file=sys.stderr)
        return 2
    try:
        jobs = read_jobs(sys.stdin.read())
    except ValueError as error:
        print(f"ci/matrix.py: the matrix on stdin: {error}", file=sys.stderr)
        return 2
    print(FORMS[words[0]](jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
