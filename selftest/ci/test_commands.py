"""The commands that all templates of ci/ call: what they start, what they refuse, and whole jobs on the simulator."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.child import outside_xdist
from selftest.ci.checkout import Checkout, make_checkout
from selftest.ports.tiny import tiny_port
from tools.base.files import ROOT

ASCEND = "ci/ascend.sh"
OUT = Path("build/ci/alexnet")
ROW = {"name": "alexnet", "port": "alexnet", "chip": "Ascend310P3", "options": "--soc=Ascend310P3"}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """One with stubs."""
    return make_checkout(tmp_path / "checkout")


def words(line: str) -> list[str]:
    """What a program was started with, without its name."""
    return re.findall(r"<(.*?)>", line)


# ---- one job


def test_the_two_jobs_are_what_the_readme_gives_to_ci(checkout: Checkout) -> None:
    checkout.run(ASCEND, "setup")
    row = next(line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "| CI on an" in line)
    for step, command in zip(("accuracy", "perf"), re.findall(r"`(pytest [^`]*)`", row), strict=True):
        asked = [word for word in shlex.split(command)[1:] if word not in ("--target", "ascend")]
        done = checkout.run(ASCEND, step)
        (line,) = done.started
        assert words(line.replace(f"{OUT}/", "")) == ["-m", "pytest", *asked]
        assert done.status == 0
        assert done.told == {"ACCEPTANCE_PORT=alexnet", "ACCEPTANCE_TARGET=ascend"}


def test_the_last_step_judges_both_bundles_by_the_port_of_this_checkout(checkout: Checkout) -> None:
    checkout.run(ASCEND, "setup")
    started = (checkout.folder / OUT / "started").read_text(encoding="utf-8").strip()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", started)
    (line,) = checkout.run(ASCEND, "verify").started
    bundles = [f"{OUT}/accuracy-job", f"{OUT}/perf-job"]
    bounds = ["--require", "ACCEPTED", "--port", f"{OUT}/port.json", "--not-before", started]
    assert words(line) == ["-S", "-I", "tools/verify_bundle.py", *bundles, *bounds]


@pytest.mark.parametrize("step", ["perf", "verify"])  # perf: behind a pipe
def test_what_fails_in_a_step_is_the_status_of_the_step(step: str, checkout: Checkout) -> None:
    checkout.run(ASCEND, "setup")
    assert checkout.run(ASCEND, step, PERF_STATUS="1", VERIFY_STATUS="1").status == 1
    assert checkout.run(ASCEND, step).status == 0


def test_a_new_job_begins_without_the_evidence_of_the_last(checkout: Checkout) -> None:
    old = checkout.folder / OUT / "accuracy-job" / "acceptance.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}", encoding="utf-8")
    assert checkout.run(ASCEND, "setup").status == 0
    assert not old.exists()
    assert json.loads((checkout.folder / OUT / "port.json").read_text(encoding="utf-8"))["checkpoint"]


@pytest.mark.parametrize("step", ["accuracy", "perf", "verify"])
def test_nothing_is_judged_before_it_was_set_up(step: str, checkout: Checkout) -> None:
    done = checkout.run(ASCEND, step)
    assert (done.status, done.started) == (2, ())
    assert done.err == f"ci/ascend.sh: {OUT}/started is not there: run setup first\n"


def test_each_port_and_chip_has_a_folder_of_its_own(checkout: Checkout) -> None:
    for port in ("resnet50", "ports/resnet50.yaml", "../zoo/resnet50.yaml"):
        for chip in ("", "Ascend310P3"):
            assert checkout.run(ASCEND, "setup", ACCEPTANCE_PORT=port, ACCEPTANCE_SOC=chip).status == 0
    folders = {path.name for path in (checkout.folder / "build" / "ci").iterdir()}
    names = ("resnet50", "ports_resnet50", ".._zoo_resnet50")
    assert folders == {f"{name}{chip}" for name in names for chip in ("", "-Ascend310P3")}


@pytest.mark.parametrize("port", [".", "..", ".yaml", "..yaml"])
def test_no_port_leads_to_other_folders(port: str, checkout: Checkout) -> None:
    done = checkout.run(ASCEND, "setup", ACCEPTANCE_PORT=port)
    assert (done.status, done.started) == (2, ())
    assert "ACCEPTANCE_PORT is no port" in done.err


def test_an_empty_chip_of_a_matrix_is_no_chip(checkout: Checkout) -> None:
    for chip, told in (("", set()), ("Ascend910B3", {"ACCEPTANCE_SOC=Ascend910B3"})):
        checkout.run(ASCEND, "setup", ACCEPTANCE_SOC=chip)
        done = checkout.run(ASCEND, "accuracy", ACCEPTANCE_SOC=chip)
        assert done.status == 0
        assert done.told == {"ACCEPTANCE_PORT=alexnet", "ACCEPTANCE_TARGET=ascend", *told}


def test_a_checkpoint_is_downloaded_once_and_named_to_the_suite(checkout: Checkout, tmp_path: Path) -> None:
    place = tmp_path / "net-0676ba61.pth"
    fetched = f"python <tools/fetch_checkpoint.py> <--port> <resnet50> <{place}>"
    given = {"CHECKPOINTS": str(tmp_path), "ACCEPTANCE_PORT": "resnet50"}
    assert checkout.run(ASCEND, "setup", **given).started[-1] == fetched
    place.touch()
    assert fetched not in checkout.run(ASCEND, "setup", **given).started
    assert f"ACCEPTANCE_CHECKPOINT={place}" in checkout.run(ASCEND, "accuracy", **given).told


# ---- which jobs


def test_the_matrix_is_that_of_the_ports_and_the_chip(checkout: Checkout) -> None:
    done = checkout.run(ASCEND, "matrix", "github", PORTS="alexnet ports/resnet50.yaml", ACCEPTANCE_SOC="Ascend310P3")
    ports = ["alexnet", "ports/resnet50.yaml"]
    listed = ["tools/accept_ports.py", *ports, "--list-json", "--", "--soc=Ascend310P3"]
    assert [words(line) for line in done.started] == [["venv"], listed, ["ci/matrix.py", "github"]]
    assert json.loads(done.out) == {"include": [{"port": "alexnet", "chip": "Ascend310P3"}]}


def test_what_a_form_says_is_split_into_words_and_nothing_else(checkout: Checkout) -> None:
    done = checkout.run(ASCEND, "matrix", "lines", PORTS="$(touch${IFS}x) `id`; * && id")
    assert words(done.started[1]) == [
        *("tools/accept_ports.py", "$(touch${IFS}x)", "`id`;", "*", "&&", "id"),
        "--list-json",
    ]
    assert not (checkout.folder / "x").exists()


@pytest.mark.parametrize("between", ["\n", "\r\n", " \t\n\n"])
def test_every_line_of_a_form_counts(between: str, checkout: Checkout) -> None:
    """`PORTS: |` in YAML has a line a port: the ports behind the first would be missed by nobody."""
    ports = ["alexnet", "ports/resnet50.yaml", "resnet18"]
    for step in (("matrix", "lines"), ("all",)):
        done = checkout.run(ASCEND, *step, PORTS=between.join([*ports, ""]))
        (line,) = [line for line in done.started if "tools/accept_ports.py" in line]
        assert words(line)[1:4] == ports


def test_a_form_without_a_port_is_refused(checkout: Checkout) -> None:
    done = checkout.run(ASCEND, "all", PORTS=" \n ")
    assert (done.status, done.err) == (2, "ci/ascend.sh: PORTS names no port\n")


def test_a_list_that_cannot_be_made_is_no_matrix(checkout: Checkout) -> None:
    done = checkout.run(ASCEND, "matrix", "github", LIST_STATUS="2")
    assert (done.status, done.out, done.err) == (2, "", "")


@pytest.mark.parametrize("step", ["matrix", "all"])
def test_a_port_that_is_an_option_is_refused(step: str, checkout: Checkout) -> None:
    done = checkout.run(ASCEND, step, "github", PORTS="alexnet --out=/etc")
    assert (done.status, done.started, done.out) == (2, (), "")
    assert done.err == "ci/ascend.sh: PORTS: '--out=/etc' is an option, not a port\n"


def test_all_ports_on_one_machine_are_accept_ports(checkout: Checkout, tmp_path: Path) -> None:
    done = checkout.run(ASCEND, "all", PORTS="alexnet resnet50", CHECKPOINTS=str(tmp_path))
    asked = ["alexnet", "resnet50", "--out", "build/ci", "--require", "ACCEPTED", "--checkpoints", str(tmp_path)]
    assert words(done.started[-1]) == ["tools/accept_ports.py", *asked]
    assert done.told == {"ACCEPTANCE_TARGET=ascend"}


@pytest.mark.parametrize("asked", [(), ("acuracy",)])
def test_an_unknown_step_is_refused(asked: tuple[str, ...], checkout: Checkout) -> None:
    done = checkout.run(ASCEND, *asked)
    assert (done.status, done.started) == (2, ())
    assert done.err.startswith("ci/ascend.sh: usage: ")


def matrix(form: str, text: str) -> subprocess.CompletedProcess[str]:
    """ci/matrix.py with this on stdin."""
    call = [sys.executable, "-S", "-I", str(ROOT / "ci" / "matrix.py"), form]
    return subprocess.run(call, input=text, capture_output=True, text=True, check=False)


def test_each_system_has_the_matrix_in_its_own_words() -> None:
    text = json.dumps({"include": [ROW, {"name": "mine", "port": "ports/mine.yaml", "chip": "", "options": ""}]})
    assert json.loads(matrix("github", text).stdout)["include"][1] == {"port": "ports/mine.yaml", "chip": ""}
    assert matrix("github", text).stdout.count("\n") == 1
    one = {"ACCEPTANCE_PORT": "alexnet", "ACCEPTANCE_SOC": "Ascend310P3"}
    job = {"extends": ".ascend-port", "parallel": {"matrix": [one, {"ACCEPTANCE_PORT": "ports/mine.yaml"}]}}
    assert json.loads(matrix("gitlab", text).stdout) == {"ascend 1": job}
    lines = ["ACCEPTANCE_PORT=alexnet\tACCEPTANCE_SOC=Ascend310P3", "ACCEPTANCE_PORT=ports/mine.yaml"]
    assert matrix("lines", text).stdout.splitlines() == lines


def test_more_ports_than_gitlab_takes_at_once_are_several_jobs() -> None:
    text = json.dumps({"include": [ROW | {"port": f"p{number}"} for number in range(450)]})
    jobs = json.loads(matrix("gitlab", text).stdout)
    assert [len(job["parallel"]["matrix"]) for job in jobs.values()] == [200, 200, 50]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"include": []}', '{"include": [{}]}', '{"include": ["alexnet"]}']
    + [json.dumps({"include": [ROW | {"port": port}]}) for port in ("", 3, None, "a\nb=c", "a\tACCEPTANCE_TARGET=x")]
    + [json.dumps({"include": [ROW | {"chip": "Ascend310\nX=1"}]})],
)
def test_what_is_no_matrix_makes_no_green_pipeline(text: str) -> None:
    for form in ("github", "gitlab", "lines"):
        done = matrix(form, text)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("ci/matrix.py: the matrix on stdin: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not (ROOT / "tools" / "accept_ports.py").exists(), reason="tools/accept_ports.py is not there")
def test_the_list_of_accept_ports_is_such_a_matrix() -> None:
    call = [sys.executable, "tools/accept_ports.py", "alexnet", "ports/resnet50.yaml", "--list-json"]
    listed = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = matrix("lines", listed).stdout.splitlines()
    assert {line.split("\t")[0] for line in lines} == {"ACCEPTANCE_PORT=alexnet", "ACCEPTANCE_PORT=ports/resnet50.yaml"}


# ---- in a container


def test_a_container_gets_one_device_and_names_of_variables(checkout: Checkout) -> None:
    told = {"ACCEPTANCE_PORT": "secret-port", "CHECKPOINTS": "/c", "PIP_INDEX_URL": "https://user:word@host/simple"}
    told |= {"ACCEPTENCE_SOC": "misspelt, for the suite to refuse"}
    device = {"IMAGE": "img", "ARGS": "ci/containers/ascend.args", "ASCEND_DEVICE": "3", "HOME_MADE": "x"}
    (line,) = checkout.run("ci/in-container.sh", ASCEND, "accuracy", **told, **device).started
    asked = words(line)
    assert [word for word in asked if word.startswith("--env")] == [f"--env={name}" for name in sorted(told)]
    assert not [word for word in asked if any(value in word for value in ("secret-port", "user:word"))]
    devices = [word.rpartition("/")[2] for word in asked if word.startswith("--device")]
    assert devices == ["davinci3", "davinci_manager", "devmm_svm", "hisi_hdc"]
    assert asked[-3:] == ["img", ASCEND, "accuracy"]
    assert "--privileged" not in asked


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "usage: "),
        ({"IMAGE": "img", "ASCEND_DEVICE": "0 --privileged"}, "ASCEND_DEVICE is the number of one device"),
    ],
)
def test_a_container_without_an_image_or_with_more_than_a_device_is_refused(
    variables: dict[str, str], said: str, checkout: Checkout
) -> None:
    done = checkout.run("ci/in-container.sh", "true", **variables)
    assert (done.status, done.started) == (2, ())
    assert said in done.err


# ---- for real, on the simulator


def job(step: str, port: Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A step as it stands in ci/, of this port on the simulator."""
    stubs = folder / "stubs"  # the environment is there: no package is installed by a test
    stubs.mkdir(exist_ok=True)
    (stubs / "make").write_text("#!/bin/sh\n", encoding="utf-8")
    (stubs / "make").chmod(0o755)
    told = {"ACCEPTANCE_PORT": str(port), "ACCEPTANCE_CACHE": str(folder / "cache"), "ACCEPTANCE_TARGET": "simulator"}
    env = {**outside_xdist(), "PATH": f"{stubs}:{os.environ['PATH']}", "VENV": sys.prefix, **told, **variables}
    return subprocess.run([str(ROOT / ASCEND), step], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A folder for a port; what its jobs leave in build/ci is removed."""
    yield tmp_path
    for left in (ROOT / "build" / "ci").glob(f"{str(tmp_path).replace('/', '_')}*"):
        shutil.rmtree(left)


def test_a_job_whose_runs_left_no_evidence_is_not_accepted(own: Path) -> None:
    port = own / "mine.yaml"
    shutil.copyfile(ROOT / "ports" / "resnet50.yaml", port)
    assert job("setup", port, own).returncode == 0
    done = job("verify", port, own, REQUIRE="SIMULATED")
    assert done.returncode == 2, done.stdout + done.stderr


@pytest.mark.nightly
@pytest.mark.slow
def test_a_whole_job_is_what_it_was_asked_and_never_accepted_on_the_simulator(own: Path) -> None:
    files = tiny_port(own / "tiny")
    where = {
        "CHECKPOINTS": files.checkpoint.parent,
        "ACCEPTANCE_IMAGES": files.images,
        "ACCEPTANCE_LABELS": files.labels,
    }
    told = {name: str(path) for name, path in where.items()}
    for step in ("setup", "accuracy", "perf"):
        done = job(step, files.port, own, **told)
        assert done.returncode == 0, done.stdout + done.stderr
    assert job("verify", files.port, own, REQUIRE="SIMULATED").returncode == 0
    refused = job("verify", files.port, own)
    assert refused.returncode == 1
    assert "--require ACCEPTED: SIMULATED is weaker" in refused.stdout
    assert job("setup", files.port, own, **told).returncode == 0
    assert job("verify", files.port, own, REQUIRE="SIMULATED").returncode == 2
