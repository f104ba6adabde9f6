"""The templates of ci/: each is read by its system's own schema or linter, where one is on the package index, and all
call the same commands, reach the same devices, and keep what a job left. Gitee Go and Jenkins publish neither: theirs
are held to the shape of what Gitee documents, and to brackets and quotes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.base.files import ROOT

CI = ROOT / "ci"
GITHUB = sorted((CI / "github").glob("*.yml"))
GITLAB = [CI / "gitlab" / name for name in ("gitlab-ci.yml", "ascend-port.yml")]
GITEE = sorted((CI / "gitee").glob("*.yml"))
JENKINS = CI / "jenkins" / "Jenkinsfile"
CONTAINERS = sorted((CI / "containers").glob("*.Dockerfile"))
SCRIPTS = sorted(CI.glob("*.sh"))
TEMPLATES = [*GITHUB, *GITLAB, *GITEE, JENKINS]
SYSTEMS = {"github": GITHUB, "gitlab": GITLAB, "jenkins": [JENKINS], "gitee": GITEE}


def tool(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A tool of the development environment."""
    call = [str(Path(sys.executable).with_name(name)), *map(str, words)]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def text(path: Path) -> str:
    """A file without its comments of whole lines."""
    return re.sub(r"(?m)^\s*(#|//).*\n", "", path.read_text(encoding="utf-8"))


def parsed(path: Path) -> dict[str, Any]:
    """A YAML file, all of it text: `on` stays a word."""
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    return found


def jobs(path: Path) -> dict[str, Any]:
    """The jobs of a GitHub workflow."""
    found: dict[str, Any] = parsed(path)["jobs"]
    return found


# ---- schemas and linters


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", GITHUB),
        ("custom.github-workflows-require-timeout", GITHUB),
        ("vendor.gitlab-ci", GITLAB),
    ],
)
def test_the_schema_that_is_published_takes_it(schema: str, files: list[Path]) -> None:
    done = tool("check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout


def test_a_schema_would_refuse_a_slip(tmp_path: Path) -> None:
    slip = tmp_path / "slip.yml"
    slip.write_text(GITHUB[0].read_text(encoding="utf-8").replace("runs-on:", "runs_on:"), encoding="utf-8")
    assert tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", slip).returncode == 1


def test_the_hooks_are_what_pre_commit_takes() -> None:
    done = tool("pre-commit", "validate-config", ".pre-commit-config.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    (repository,) = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    wanted = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    for hook in repository["hooks"]:
        (name,) = re.findall(r"/bin/(\w+)", hook["entry"])
        assert re.search(rf"(?m)^{name}==", wanted)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "call",
    [
        ("shellcheck", *SCRIPTS),
        ("hadolint", *CONTAINERS),
        ("zizmor", "--offline", "--no-progress", *GITHUB),
    ],
    ids=lambda call: call[0],
)
def test_the_linter_has_nothing_to_say(call: tuple[str | Path, ...]) -> None:
    done = tool(str(call[0]), *call[1:])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_started_and_stops_at_the_first_error(path: Path) -> None:
    assert path.stat().st_mode & 0o111
    assert "\nset -euo pipefail\n" in path.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


# ---- the same commands, devices and artifacts everywhere


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_runs_it_all(system: str) -> None:
    said = "".join(text(path) for path in SYSTEMS[system])
    assert {"make test", "make accept"} <= set(re.findall(r"make \w+", said))
    if system == "gitee":
        assert "ci/ascend.sh all" in said
        return
    found = list(dict.fromkeys(re.findall(r"ci/ascend\.sh (\w+)", said)))
    found += re.search(r"for step in ([\w ]+);", said)[1].split() if system == "gitlab" else []  # type: ignore[index]
    assert found == ["matrix", "setup", "accuracy", "perf", "verify"]


def test_every_command_is_one_of_the_commands() -> None:
    steps = set(re.findall(r"(?m)^(\w+)\) ", (CI / "ascend.sh").read_text(encoding="utf-8")))
    for path in TEMPLATES:
        for script, step in re.findall(r"(ci/[\w-]+\.\w+) \"?(\$?\w+)", text(path)):
            assert (ROOT / script).is_file()
            assert script != "ci/ascend.sh" or step in steps | {"$step"}, f"{path}: {script} {step}"
        assert "pytest" not in text(path)
        assert "verify_bundle" not in text(path)


def reached(words: list[str]) -> set[str]:
    """What a container is given: devices as they are named, mounts as they are bound."""
    return {word.partition("=")[2].replace("@", "0") for word in words if word.startswith(("--device=", "--volume="))}


def test_all_ways_into_a_container_reach_the_same() -> None:
    wanted = reached(text(CI / "containers" / "ascend.args").split())
    assert {"/dev/davinci0", "/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc"} < wanted
    container = jobs(CI / "github" / "ascend.yml")["ascend"]["container"]
    assert reached(container["options"].split()) | set(container["volumes"]) == wanted
    (runner,) = tomllib.loads((CI / "gitlab" / "runner.toml").read_text(encoding="utf-8"))["runners"]
    assert {*runner["docker"]["devices"], *runner["docker"]["volumes"]} == wanted
    assert not runner["docker"]["privileged"]
    for name in ("/opt/npu/imagenet", "/opt/npu/checkpoints", "/opt/npu/acceptance-cache"):
        mounted = any(bound.split(":")[:2] == [name, name] for bound in wanted)
        assert mounted, name
        for path in (
            CI / "github" / "ascend.yml",
            CI / "gitlab" / "ascend-port.yml",
            JENKINS,
            CI / "gitee" / "ascend.yml",
        ):
            assert name in text(path)


def test_evidence_is_kept_whatever_became_of_the_job() -> None:
    for path in GITHUB:
        kept = [
            step for job in jobs(path).values() for step in job["steps"] if "upload-artifact" in step.get("uses", "")
        ]
        assert [step["if"] for step in kept] == ["always()"]
    for job in (parsed(GITLAB[0])["cpu"], parsed(GITLAB[1])[".ascend-port"]):
        assert job["artifacts"]["when"] == "always"
    kept = re.findall(r"(always|finally) \{\s*archiveArtifacts", text(JENKINS))
    assert kept == ["always", "finally"]


def test_verify_comes_last_and_even_behind_a_failure() -> None:
    steps = jobs(CI / "github" / "ascend.yml")["ascend"]["steps"]
    for name in ("perf", "verify"):
        (step,) = [step for step in steps if step.get("run") == f"ci/ascend.sh {name}"]
        assert "!cancelled()" in step["if"]
    strategy = jobs(CI / "github" / "ascend.yml")["ascend"]["strategy"]
    assert strategy["fail-fast"] == "false"


# ---- security


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_a_workflow_may_read_and_nothing_else(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow["on"]
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "an expression in a command is text that a shell runs"
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"
    assert "secrets." not in text(path)


def test_nothing_of_a_pull_request_reaches_a_device() -> None:
    assert set(parsed(CI / "github" / "ascend.yml")["on"]) == {"push", "workflow_dispatch"}
    rules = [rule["if"] for rule in parsed(GITLAB[0])["ascend"]["rules"]]
    assert rules == ["$CI_COMMIT_TAG", '$CI_PIPELINE_SOURCE == "web"']
    assert parsed(CI / "gitee" / "ascend.yml")["triggers"] == {"trigger": "manual"}
    assert "when { expression { params.ASCEND } }" in text(JENKINS)


def test_actions_are_pinned_by_one_commit_each() -> None:
    pins: dict[str, set[str]] = {}
    for path in GITHUB:
        for line in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8")):
            pin = re.fullmatch(r"([\w/-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert pin, line
            pins.setdefault(pin[1], set()).add(f"{pin[2]} {pin[3]}")
    assert {name: len(found) for name, found in pins.items()} == dict.fromkeys(pins, 1)


# ---- Jenkins and Gitee Go, by their shape


def unquoted(groovy: str) -> str:
    """Groovy without comments and without what stands in quotes; the quotes stay."""
    return re.sub(
        r"//.*|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"",
        lambda found: found[0][0] if found[0][0] != "/" else "",
        groovy,
    )


def unbalanced(groovy: str) -> str:
    """The brackets that have no partner."""
    brackets = re.sub(r"[^()\[\]{}]", "", unquoted(groovy))
    while brackets != (brackets := re.sub(r"\(\)|\[\]|\{\}", "", brackets)):
        pass
    return brackets


def test_the_jenkinsfile_closes_what_it_opens() -> None:
    groovy = JENKINS.read_text(encoding="utf-8")
    assert unbalanced(groovy) == ""
    assert unbalanced(groovy.replace("stages {", "stages", 1)) == "}"
    assert groovy.startswith("//")
    assert unquoted(groovy).lstrip().startswith("pipeline {")


def test_groovy_puts_nothing_into_a_shell() -> None:
    calls = re.findall(r"\bsh\b *\(?(?:script: )?(.)", unquoted(JENKINS.read_text(encoding="utf-8")))
    assert len(calls) == 8
    assert set(calls) == {"'"}


@pytest.mark.parametrize("path", GITEE, ids=lambda path: path.name)
def test_a_gitee_pipeline_has_the_shape_that_gitee_documents(path: Path) -> None:
    pipeline = parsed(path)
    assert pipeline["version"] == "1.0"
    assert {"name", "displayName", "triggers", "stages"} < set(pipeline)
    assert all(
        re.fullmatch(r"[\w-]{1,32}", name) and not name.startswith(("GITEE_", "GO_")) for name in pipeline["variables"]
    )
    for stage in pipeline["stages"]:
        assert {"name", "displayName", "strategy", "trigger", "steps"} <= set(stage)
        for step in stage["steps"]:
            assert step["step"] == "shell@agent"
            assert {"name", "displayName", "hostGroupID", "script"} <= set(step)
            assert step["script"][0] == "set -eu"
            used = set(re.findall(r"\$\{(\w+)\}", "\n".join(step["script"])))
            assert used <= {*pipeline["variables"], "GITEE_COMMIT"}, "a branch's name or a message may hold anything"


# ---- containers


@pytest.mark.parametrize("path", CONTAINERS, ids=lambda path: path.name)
def test_a_container_file_builds_from_what_is_there_and_runs_as_a_user(path: Path) -> None:
    lines = text(path).replace("\\\n", "").splitlines()
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    tag = next((line.partition("=")[2] for line in lines if line.startswith("ARG CANN=")), images[0].rpartition(":")[2])
    assert len(images) == 1
    assert re.search(r"\d", tag)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users[-1] == "$JOB_UID"
    assert not [line for line in lines if line.startswith(("ARG UID", "ADD "))], "UID is bash's own"
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"Makefile", "pyproject.toml", "requirements.txt", "fixtures/installed"} <= set(copied)


def test_the_devcontainer_is_the_container_of_the_tests() -> None:
    folder = ROOT / ".devcontainer"
    said = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))
    file = (folder / said["build"]["dockerfile"]).resolve()
    assert file == CI / "containers" / "cpu.Dockerfile"
    assert (folder / said["build"]["context"]).resolve() == ROOT
    assert f" {said['remoteUser']}\n" in file.read_text(encoding="utf-8")


def test_the_page_names_every_file() -> None:
    page = (CI / "README.md").read_text(encoding="utf-8")
    files = [path.relative_to(CI) for path in CI.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [str(path) for path in files if str(path) != "README.md" and str(path) not in page] == []
