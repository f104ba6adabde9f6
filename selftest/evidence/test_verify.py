"""The offline judge's own part: what it prints, what it ends with, and what it refuses.

On bundles in memory; selftest/test_verify_bundle.py judges folders, and forged ones.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from selftest.evidence.bundles import CLASSES, CODE, RUN, World, quickly_written
from selftest.evidence.tampering import Forgery, contents_of
from tools.base.errors import SuiteError
from tools.judge import records
from tools.judge.acceptance import Reused
from tools.judge.basis import DeviceKind, ReferenceBasis, ReferenceDevice, ReferenceProbe, recipe_words
from tools.judge.bundle import Bundle, read_bundle
from tools.judge.checks import MADE, not_run
from tools.judge.documents import read_spec, spec_digest
from tools.judge.facts import JpegFacts, RecipeFacts
from tools.judge.files import Files, Refused
from tools.judge.gate import Basis
from tools.judge.gates import Asked, expected, find
from tools.judge.handed_in import HandedIn
from tools.judge.ids import PTH
from tools.judge.layout import SIGNATURE, SPEC_JSON
from tools.judge.lines import MEANING, table
from tools.judge.machine_records import HostRecord, Versions
from tools.judge.prediction_records import ReferenceRecord, TakenReference
from tools.judge.remarks import remarks
from tools.judge.results import Verdict, Word
from tools.judge.shipped import SAMPLE_IMAGES_SHA256, SAMPLE_TENSORS_SHA256, SHIPPED_FILES, SHIPPED_SPECS, files_digest
from tools.judge.verify import (
    NOT_GOOD_ENOUGH,
    OK,
    OWN_PORT,
    REFUSED,
    Outcome,
    Source,
    _is_sample,
    _is_shipped,
    main,
    verify,
)

LABELS_UNSEEN = "note: up to 0.31 % of the labels could be wrong unseen: nothing pins them, and 20 images tell no fewer"
WORLD = World(images=20, margin_pp=60.0, tight_pp=50.0, batches=(1, 4), runs=1)
PUBLISHED = "2026-01-01T00:10:00+00:00"


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an accepted bundle."""
    return contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("made") / "bundle"))


@pytest.fixture
def forgery(contents: dict[str, bytes]) -> Forgery:
    """A copy of it to be altered."""
    return Forgery(contents)


def source(name: str, forgery: Forgery) -> Source:
    """A bundle in memory."""
    sealed = forgery.sealed()
    return name, lambda: sealed


def failing(name: str, error: BaseException) -> Source:
    """A bundle that cannot be opened."""

    def files() -> Files:
        raise error

    return name, files


# --- The outcome ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "weakest", "enough"),
    [
        (Word.ACCEPTED, Word.ACCEPTED, True),
        (Word.SAMPLE, Word.ACCEPTED, False),
        (Word.SIMULATED, Word.SAMPLE, False),
        (Word.SAMPLE, Word.SIMULATED, True),
        (Word.REJECTED, Word.ACCEPTED, True),
        (None, Word.ACCEPTED, True),
    ],
)
def test_a_good_word_that_is_too_weak_is_told_before_the_last_line(
    word: Word | None, weakest: Word, enough: bool
) -> None:
    before = Outcome(["a", "b", "last"], OK, word)
    said = f"--require {weakest}: {word} is weaker"
    after = Outcome(["a", "b", said, "last"], NOT_GOOD_ENOUGH, word)
    assert before.requiring(weakest) == (before if enough else after)


def test_a_port_of_ones_own_is_not_enough_where_nothing_but_accepted_is() -> None:
    own = Outcome(["a", "last"], OK, Word.ACCEPTED, own_port=True)
    said = "--require ACCEPTED: not by a port of one's own, unless you name it with --port FILE"
    assert own.requiring(Word.ACCEPTED) == dataclasses.replace(own, lines=["a", said, "last"], status=NOT_GOOD_ENOUGH)
    assert own.requiring(Word.UNPINNED) == own
    shipped = dataclasses.replace(own, own_port=False)
    assert shipped.requiring(Word.ACCEPTED) == shipped


def test_what_is_printed_cannot_command_a_terminal() -> None:
    assert Outcome(["a\x1b", "b"], OK).text == "a\\x1b\nb"
    assert Outcome([], OK).word is None


def test_the_exit_statuses_are_those_of_the_manual() -> None:
    assert (OK, NOT_GOOD_ENOUGH, REFUSED) == (0, 1, 2)


# --- The whole output ----------------------------------------------------------------------------------------------


def test_an_accepted_bundle_letter_by_letter(forgery: Forgery) -> None:
    results = read_bundle("x", forgery.sealed()).record.gates
    outcome = verify([source("x", forgery)], None)
    again = Counter(find(gate["id"]).basis for gate in forgery.record["gates"])
    read_from = f"{forgery.record['spec']['path']} (made up)"
    count = len(forgery.record["gates"])
    assert outcome == Outcome(
        [
            *table(results),
            "",
            f"recomputed: {again[Basis.RECOMPUTED]} gates",
            f"judged again: {again[Basis.JUDGED_AGAIN]} gates",
            "taken as recorded: 0 gates",
            f"bundle x: run {RUN}, finished {PUBLISHED}, target ascend Ascend310, manifest sha256 {'0' * 64}",
            "bundle x: unsigned: anybody can have made it",
            f"judged by: a port of one's own, {read_from}, sha256 {forgery.record['spec']['json_sha256']}",
            "  what was judged by is spec.json; YAML is not read here, and the files in port/ are not the suite's own:",
            "  `python tools/report_bundle.py BUNDLE` holds the two against each other",
            "",
            "note: the images are known by their names alone, no digest of the data set is pinned",
            LABELS_UNSEEN,
            f"VERDICT: ACCEPTED - {MEANING[Word.ACCEPTED]} ({count} passed, 0 failed, 0 missing)",
        ],
        OK,
        Word.ACCEPTED,
        own_port=True,
    )


def test_a_checkpoint_without_a_digest_is_said_in_the_last_word(tmp_path: Path) -> None:
    world = dataclasses.replace(WORLD, pinned=False)
    outcome = verify([source("x", Forgery(contents_of(quickly_written(world, tmp_path / "bundle"))))], None)
    assert (outcome.status, outcome.word) == (OK, Word.UNPINNED), outcome.text


def test_a_part_that_saw_no_image_is_judged_without_a_data_set(tmp_path: Path) -> None:
    world = dataclasses.replace(WORLD, stages=("checkpoint",))
    forgery = Forgery(contents_of(quickly_written(world, tmp_path / "bundle")))
    forgery.record["dataset"], forgery.record["verdict"]["remarks"] = None, []
    outcome = verify([source("x", forgery)], None)
    assert (outcome.status, outcome.word) == (NOT_GOOD_ENOUGH, Word.INCOMPLETE), outcome.text


def test_a_run_of_before_runs_had_names_is_told_as_such(forgery: Forgery) -> None:
    forgery.record["run"] = ""
    outcome = verify([source("x", forgery)], None)
    assert any(line.startswith("bundle x: run without a name, finished ") for line in outcome.lines), outcome.text


def test_what_could_not_be_judged_again_is_named(forgery: Forgery) -> None:
    gates = ["om.toolkit", "om.ran[bs1]", "om.ran[bs4]"]
    forgery.record["verdict"].update(word="INCOMPLETE", missing=list(gates))
    forgery.record["verdict"]["passed"] -= 3
    for gate in gates:
        forgery.gate(gate)["check"].update(verdict="NOT RUN", detail="skipped")
    forgery.record["checkpoint"]["misshapen"] = ["x"]
    shapes = forgery.gate("checkpoint.shapes")["check"]
    shapes.update(verdict="NOT RUN", detail="skipped")
    forgery.record["verdict"]["missing"].insert(0, "checkpoint.shapes")
    forgery.record["verdict"]["passed"] -= 1
    outcome = verify([source("x", forgery)], None)
    assert "checkpoint.shapes: the record leaves it open, its evidence fails it" in outcome.lines
    assert "taken as recorded: 3 gates: om.toolkit, om.ran" in outcome.lines
    assert (outcome.status, outcome.word) == (NOT_GOOD_ENOUGH, Word.REJECTED)


@pytest.mark.parametrize("stages", [("accuracy",), ("checkpoint", "om")])
def test_a_part_of_a_run_says_on_what_it_was_made(stages: tuple[str, ...], tmp_path: Path) -> None:
    world = dataclasses.replace(WORLD, stages=stages, interrupted="KeyboardInterrupt")
    forgery = Forgery(contents_of(quickly_written(world, tmp_path / "bundle")))
    if "om" not in stages:
        forgery.record["machine"] = None
    forgery.record["verdict"]["word"] = "INCOMPLETE"
    outcome = verify([source("x", forgery)], None)
    chip = " Ascend310" if "om" in stages else ""
    assert (
        f"bundle x: run {RUN}, finished {PUBLISHED}, target ascend{chip}, manifest sha256 {'0' * 64}" in outcome.lines
    )
    assert "bundle x was interrupted: KeyboardInterrupt" in outcome.lines
    assert (outcome.status, outcome.word) == (NOT_GOOD_ENOUGH, Word.INCOMPLETE)


def test_one_part_that_was_interrupted_makes_the_whole_incomplete(forgery: Forgery, contents: dict[str, bytes]) -> None:
    forgery.record["interrupted"] = "KeyboardInterrupt"
    forgery.record["verdict"]["word"] = "INCOMPLETE"
    assert verify([source("x", forgery)], None).word is Word.INCOMPLETE
    for order in (1, -1):
        both = [source("x", Forgery(contents)), source("y", forgery)][::order]
        assert verify(both, None).word is Word.INCOMPLETE


# --- Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused("damaged"), "damaged"),
        (SuiteError("no evidence"), "no evidence"),
        (OSError("gone"), "gone"),
        (OverflowError("huge"), "its numbers or its nesting are beyond what any run writes: huge"),
        (RecursionError("deep"), "its numbers or its nesting are beyond what any run writes: deep"),
    ],
)
def test_every_bundle_that_cannot_be_judged_is_named(error: Exception, said: str, forgery: Forgery) -> None:
    last = "VERDICT: NONE - the evidence does not hold (1 problem)"
    assert verify([failing("x", error)], None) == Outcome([f"x: {said}", last], REFUSED)
    assert verify([source("w", forgery), failing("x", error)], None) == Outcome([f"x: {said}", last], REFUSED)
    forgery.record["spec"]["kind"] = "sample"
    outcome = verify([failing("x", error), source("y", forgery), failing("z", error)], None)
    assert [line.partition(":")[0] for line in outcome.lines] == ["x", "y", "z", "VERDICT"]
    assert outcome.lines[-1].endswith("(3 problems)")


def test_a_bundle_that_contradicts_itself_is_refused_by_any_spec(forgery: Forgery, contents: dict[str, bytes]) -> None:
    forgery.gate("checkpoint.keys")["check"]["measured"] = "0 of 15"
    said = "x: gate checkpoint.keys: measured: '0 of 15' recorded, '0 of 16' recomputed"
    for other in (None, read_spec(contents[SPEC_JSON], "x")):
        assert verify([source("x", forgery)], other).lines[0] == said


@pytest.mark.parametrize(
    ("field", "value"),
    [("word", "REJECTED"), ("passed", 1), ("failed", ["om.toolkit"]), ("missing", ["om.toolkit"]), ("simulated", True)],
)
def test_the_recorded_last_word_is_the_one_that_the_gates_allow(field: str, value: object, forgery: Forgery) -> None:
    forgery.record["verdict"][field] = value
    assert verify([source("x", forgery)], None).lines[0].startswith(f"x: acceptance.json.verdict.{field}")


def test_bundles_of_different_runs_are_refused(forgery: Forgery, contents: dict[str, bytes]) -> None:
    forgery.record["machine"]["toolchain"]["driver"] = "another"
    outcome = verify([source("x", Forgery(contents)), source("y", forgery)], None)
    assert outcome.lines[0].startswith("toolchain differs: x ")
    assert outcome.status == REFUSED


# --- On what it was made -------------------------------------------------------------------------------------------


def test_one_part_of_the_sample_makes_the_whole_a_sample(forgery: Forgery, contents: dict[str, bytes]) -> None:
    forgery.record["verdict"].update(sample=True, word="SAMPLE")
    outcome = verify([source("x", forgery)], None)
    assert (outcome.status, outcome.word) == (OK, Word.SAMPLE), outcome.text
    for order in (1, -1):
        both = [source("x", Forgery(contents)), source("y", forgery)][::order]
        assert verify(both, None).word is Word.SAMPLE


def part(
    checkpoint: str | None = None, images: str | None = None, *, embedded: bool = False, said: bool = False
) -> Bundle:
    """As much of a bundle as tells a sample."""
    record = SimpleNamespace(
        checkpoint=None if checkpoint is None else SimpleNamespace(content_sha256=checkpoint),
        dataset=None if images is None else SimpleNamespace(images_sha256=images, embedded_sample=embedded),
        verdict=SimpleNamespace(sample=said),
    )
    return SimpleNamespace(record=record)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("bundle", "kind", "sample"),
    [
        (part(), "published", False),
        (part("1" * 64, "2" * 64), "published", False),
        (part(SAMPLE_TENSORS_SHA256), "published", True),
        (part(SAMPLE_TENSORS_SHA256, "2" * 64), "published", True),
        (part(images=SAMPLE_IMAGES_SHA256), "published", True),
        (part("1" * 64, SAMPLE_IMAGES_SHA256), "published", True),
        (part("1" * 64, "2" * 64, embedded=True), "published", True),
        (part("1" * 64, "2" * 64, said=True), "published", True),
        (part("1" * 64, "2" * 64), "sample", True),
    ],
)
def test_a_sample_is_told_by_port_images_and_weights(bundle: Bundle, kind: str, sample: bool) -> None:
    assert _is_sample(bundle, SimpleNamespace(kind=kind)) is sample  # type: ignore[arg-type]


def test_a_port_is_the_suites_by_its_contents_alone() -> None:
    digest, files = next(iter(SHIPPED_SPECS)), {"a.yaml": "1" * 64}

    def shipped(spec: object) -> bool:
        return _is_shipped(SimpleNamespace(record=SimpleNamespace(spec=spec)))  # type: ignore[arg-type]

    assert not shipped(None)
    assert not shipped(SimpleNamespace(json_sha256=digest, files=files))
    assert not shipped(SimpleNamespace(json_sha256="1" * 64, files=files))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SHIPPED_FILES, files_digest(files), SHIPPED_SPECS[digest])
        assert shipped(SimpleNamespace(json_sha256=digest, files=files))


def test_an_own_port_is_said_beside_the_verdict_and_the_bundles_are_kept(
    forgery: Forgery, contents: dict[str, bytes]
) -> None:
    outcome = verify([source("x", forgery)], None)
    assert outcome.own_port
    assert OWN_PORT[0] in outcome.lines
    assert outcome.verdict is not None
    assert (outcome.verdict.word, [bundle.name for bundle in outcome.bundles]) == (outcome.word, ["x"])
    given = verify([source("x", Forgery(contents))], read_spec(contents[SPEC_JSON], SPEC_JSON))
    assert (given.own_port, OWN_PORT[0] in given.lines) == (False, False)
    assert Outcome([], OK, Word.ACCEPTED) == Outcome([], OK, Word.ACCEPTED, False, None, ())
    assert Outcome([], OK, Word.ACCEPTED).bundles == ()


def test_images_of_the_sample_make_a_sample(forgery: Forgery) -> None:
    forgery.record["dataset"]["embedded_sample"] = True
    said = "x: acceptance.json.verdict.word: 'ACCEPTED' recorded, 'SAMPLE' recomputed"
    chance = "x: gate pth.accuracy.above_chance: "
    outcome = verify([source("x", forgery)], None)
    assert said in outcome.lines
    assert any(line.startswith(chance) for line in outcome.lines)  # its labels mean nothing to other weights


def test_the_samples_own_spec_makes_a_sample(tmp_path: Path) -> None:
    world = dataclasses.replace(WORLD, kind="sample")
    forgery = Forgery(contents_of(quickly_written(world, tmp_path / "bundle")))
    forgery.record["dataset"]["embedded_sample"] = False
    forgery.record["verdict"]["sample"] = False
    said = "x: acceptance.json.verdict.sample: False recorded, True recomputed"
    assert said in verify([source("x", forgery)], None).lines


@pytest.mark.parametrize(("stages", "simulated"), [(("checkpoint", "onnx"), False), (("checkpoint", "om"), True)])
def test_a_simulator_counts_where_an_offline_model_was_there(
    stages: tuple[str, ...], simulated: bool, tmp_path: Path
) -> None:
    world = dataclasses.replace(WORLD, on_device=False, stages=stages)
    forgery = Forgery(contents_of(quickly_written(world, tmp_path / "bundle")))
    assert forgery.record["verdict"]["simulated"] is simulated
    outcome = verify([source("x", forgery)], None)
    assert outcome.word is Word.INCOMPLETE
    assert outcome.lines[-1].startswith("VERDICT: INCOMPLETE (SIMULATED) - " if simulated else "VERDICT: INCOMPLETE - ")


# --- The spec, and the command line --------------------------------------------------------------------------------


def test_another_spec_is_said_in_the_words_given_or_as_recorded(forgery: Forgery, contents: dict[str, bytes]) -> None:
    spec = json.loads(contents[SPEC_JSON])
    spec["onnx"]["logits_abs_error"]["at_most"] = 1e-9
    other = read_spec(json.dumps(spec).encode(), "x")
    outcome = verify([source("x", forgery)], other, "my own")
    assert "judged by: my own" in outcome.lines
    assert outcome.word is Word.REJECTED
    assert verify([source("x", forgery)], None, "my own").word is Word.ACCEPTED


def test_another_spec_says_which_gates_there_are(forgery: Forgery, contents: dict[str, bytes]) -> None:
    spec = json.loads(contents[SPEC_JSON])
    spec["batches"] = [1]
    other = read_spec(json.dumps(spec).encode(), "x")
    outcome = verify([source("x", forgery)], other)
    count = len(expected(Asked(other, on_device=True)))
    assert outcome.lines[-1].endswith(f"({count - 1} passed, 0 failed, 1 missing)")
    missing = outcome.lines.index("still missing (1):")
    why = "NOT RUN: batches (1, 4) were compared over 20 images, not all"
    assert outcome.lines[missing + 1] == f"  om.batch_invariance_abs_error: {why}"


def test_each_place_of_a_spec_is_named_once(forgery: Forgery, contents: dict[str, bytes]) -> None:
    place = forgery.record["spec"]["path"]
    forgery.record["spec"]["path"] = "elsewhere"
    third = Forgery(contents)
    third.record["inputs"] = ["x"]
    outcome = verify([source("x", Forgery(contents)), source("y", forgery), source("z", third)], None)
    said = f"judged by: a port of one's own, {place} (made up) and elsewhere (made up), sha256 "
    assert any(line.startswith(said) for line in outcome.lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle on disk."""
    return quickly_written(dataclasses.replace(WORLD, on_device=False), tmp_path_factory.mktemp("disk") / "bundle")


def test_the_command_line_judges_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == OK
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].startswith("VERDICT: SIMULATED - ")
    assert f"bundle {folder}: run {RUN}, finished " in printed
    assert "judged by: a port of one's own, " in printed
    assert main([str(folder), "--require", "SIMULATED"]) == OK
    assert capsys.readouterr().out == printed
    assert main([str(folder), "--require", "SAMPLE"]) == NOT_GOOD_ENOUGH
    assert capsys.readouterr().out.splitlines()[-2] == "--require SAMPLE: SIMULATED is weaker"


def test_the_command_line_judges_by_a_spec(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (folder / SPEC_JSON).read_bytes()
    path = tmp_path / "own.json"
    path.write_bytes(content)
    assert main([str(folder), "--port", str(path)]) == OK
    said = f"judged by: a port of one's own, {path} (as asked), sha256 {spec_digest(content)}"
    assert said in capsys.readouterr().out.splitlines()
    path.write_bytes(b"{")
    assert main([str(folder), "--port", str(path)]) == REFUSED
    assert capsys.readouterr().out.startswith(f"error: {path}: not the JSON of a bundle: ")


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_yaml_spec_is_refused_with_the_command_that_helps(
    suffix: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--port", f"own{suffix}"]) == REFUSED
    path, help_ = f"own{suffix}", f"run `python tools/show_port.py --json own{suffix} > port.json`, give that"
    assert capsys.readouterr().out == f"error: {path}: the standard library reads no YAML; {help_}\n"


def test_a_spec_that_is_not_there_is_an_error_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--port", "nowhere.json"]) == REFUSED
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("error: ")
    assert "nowhere.json" in line


@pytest.mark.parametrize("words", [[], ["x", "--require", "REJECTED"], ["x", "--other"]])
def test_an_odd_command_line_ends_with_its_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == REFUSED
    assert "usage: " in capsys.readouterr().err


def test_several_folders_are_judged_as_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), str(folder)]) == REFUSED
    assert capsys.readouterr().out.startswith(f"the same bundle given twice: {folder} and {folder}\n")


def test_the_help_says_what_each_word_of_the_command_line_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == OK
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        " Judge evidence bundles offline; several bundles count as one run. ",
        "BUNDLE a folder with MANIFEST.sha256",
        "--port JSON judge by this (tools/show_port.py --json makes it)",
        "--require WORD exit with 1 unless the last word is at least this, the weakest first: SIMULATED, SAMPLE,"
        " UNPINNED, ACCEPTED",
        "--run-id ID refuse a bundle of another run",
        "--not-before UTC refuse a run begun earlier, than 2026-01-31T12:00:00Z say",
        "--allowed-signers FILE refuse what none of these has signed",
        "--signer IDENTITY of the allowed signers this one only",
        "--lang LANGUAGE what is shown: en or zh (default: that of the locale)",
    ):
        assert words in said


def test_the_help_is_chinese_where_that_is_spoken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCEPTANCE_LANG", "zh")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "Judge evidence bundles" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--run-id", RUN], None),
        (["--run-id", RUN, "--run-id", "x"], "no bundle is of run 'x', which --run-id names"),
        (["--run-id", "x"], f": of run '{RUN}', which no --run-id names"),
        (["--not-before", "2026-01-01T00:00:00Z"], None),
        (["--not-before", "2026-01-01T00:00:01Z"], "--not-before says 2026-01-01T00:00:01+00:00: of an earlier run"),
        (["--not-before", "noon"], "error: --not-before 'noon' is no time: "),
        (["--allowed-signers", "nowhere"], "--allowed-signers nowhere: no such file"),
    ],
)
def test_another_bundle_than_is_wanted_is_refused(
    words: list[str], said: str | None, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), *words]) == (OK if said is None else REFUSED)
    printed = capsys.readouterr().out
    assert said is None or said in printed.splitlines()[0]


def test_a_signer_is_one_of_allowed_signers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(folder), "--signer", "ci@example.org"])
    assert caught.value.code == REFUSED
    assert capsys.readouterr().err.endswith("error: --signer is one of --allowed-signers: name the file\n")


def test_one_of_the_allowed_signers_is_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without ssh-keygen: selftest/judge/test_signature.py has it."""
    bundle, allowed = tmp_path / "bundle", tmp_path / "allowed"
    shutil.copytree(folder, bundle)
    for file in (bundle / SIGNATURE, allowed):
        file.touch()
    failed = subprocess.CompletedProcess[bytes]([], 1, b"", b"")
    monkeypatch.setattr("tools.judge.signature._ssh_keygen", lambda *_: failed)
    assert main([str(bundle), "--allowed-signers", str(allowed), "--signer", "ci@example.org"]) == REFUSED
    said = f"{bundle}: {SIGNATURE} is no signature by ci@example.org of {allowed} over this MANIFEST.sha256"
    assert capsys.readouterr().out.splitlines()[0] == said


ENGLISH, CHINESE = "VERDICT: NONE - the evidence does not hold", "VERDICT: NONE - 证据不成立"


@pytest.mark.parametrize(
    ("words", "variables", "begins"),
    [
        ([], {}, ENGLISH),
        (["--lang", "zh"], {}, CHINESE),
        ([], {"ACCEPTANCE_LANG": "zh"}, CHINESE),
        (["--lang", "en"], {"ACCEPTANCE_LANG": "zh"}, ENGLISH),
    ],
)
def test_the_verdict_is_said_in_the_language_that_is_asked_for(
    words: list[str],
    variables: dict[str, str],
    begins: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["nowhere", *words]) == REFUSED
    assert capsys.readouterr().out.splitlines()[-1].startswith(begins)


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (["--lang", "xx"], {}, "error: --lang (ACCEPTANCE_LANG) is 'xx', it must be one of en, zh"),
        ([], {"ACCEPTENCE_PORT": "x"}, "error: no environment variable of the suite: ACCEPTENCE_PORT (did you mean "),
    ],
)
def test_what_the_suite_does_not_know_is_refused_in_one_line(
    words: list[str],
    variables: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["nowhere", *words]) == REFUSED
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(said)


# --- Beside the word -----------------------------------------------------------------------------------------------

DEPARTS = RecipeFacts("timm 1.0 efficientnet_lite0.ra_in1k", ("mean [0.485, 0.456, 0.406], stated [0.5, 0.5, 0.5]",))


@pytest.fixture(scope="module")
def departing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A bundle whose port departs from the recipe that a library states for its weights."""
    place = tmp_path_factory.mktemp("departing") / "bundle"
    return contents_of(quickly_written(dataclasses.replace(WORLD, recipe=DEPARTS), place))


def test_a_departure_from_the_stated_recipe_stands_beside_the_word(departing: dict[str, bytes]) -> None:
    outcome = verify([source("x", Forgery(departing))], None)
    assert (outcome.status, outcome.word) == (OK, Word.ACCEPTED)
    assert outcome.lines[-2] == f"note: {DEPARTS.remark}"


@pytest.mark.parametrize(
    ("fact", "field", "forged"),
    [
        ("verdict", "remarks", []),
        ("recipe", "departures", []),
        ("recipe", "departures", ["mean"]),
        ("recipe", "library", ""),
    ],
)
def test_a_departure_that_is_hidden_is_found(
    fact: str, field: str, forged: object, departing: dict[str, bytes]
) -> None:
    forgery = Forgery(departing)
    forgery.record[fact][field] = forged
    outcome = verify([source("x", forgery)], None)
    assert outcome.status == REFUSED
    assert any("verdict.remarks" in line for line in outcome.lines)


def test_a_departure_that_is_hidden_everywhere_still_contradicts_what_the_bins_were_held_against(
    departing: dict[str, bytes],
) -> None:
    forgery = Forgery(departing)
    forgery.record["recipe"]["departures"] = []
    forgery.record["verdict"]["remarks"].pop()
    outcome = verify([source("x", forgery)], None)
    assert outcome.status == REFUSED
    assert "does not fit parity.against" in outcome.lines[0]


def test_remarks_of_two_parts_are_said_once_each(departing: dict[str, bytes], contents: dict[str, bytes]) -> None:
    both = [source("x", Forgery(contents)), source("y", Forgery(departing))]
    notes = [line for line in verify(both, None).lines if line.startswith("note: ")]
    assert [note.partition(" ")[2].partition(" ")[0] for note in notes] == ["the", "up", "preprocessing"]


GPU = ReferenceDevice(DeviceKind.CUDA, "a GPU", "2.13.0", "12.6", ())


def basis_of(bundle: Bundle) -> ReferenceBasis:
    """What a bundle's predictions of the checkpoint follow from."""
    assert bundle.record.dataset is not None
    return ReferenceBasis(
        checkpoint_sha256=bundle.digests["checkpoint"].sha256,
        network=CODE,
        output=0,
        classes=CLASSES,
        recipe=recipe_words(bundle.spec.preprocessing),
        images=len(bundle.ids),
        ids_sha256=bundle.record.dataset.ids_sha256,
        images_sha256="0" * 64,
        pixels="made up",
    )


def taken_from(basis: ReferenceBasis) -> TakenReference:
    """Another run's predictions, which follow from this."""
    host, versions = HostRecord("Linux", "x86_64", "a CPU", 2, 1), Versions("3.11.7", {}, "0" * 64)
    return TakenReference("1" * 32, PUBLISHED, "2" * 64, "3" * 64, host, versions, GPU, basis)


def test_what_stands_beside_the_word_follows_from_all_that_the_record_has(
    forgery: Forgery, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, asked = read_bundle("x", forgery.sealed()), {}
    facts: dict[str, object] = {
        "jpegs": JpegFacts(20, (), (), ("a",)),
        "reused": (Reused("throughput-om/1", PUBLISHED),),
        "handed_in": (HandedIn("onnx", "a.onnx", "0" * 64, 1),),
        "reference": ReferenceRecord(GPU, taken_from(basis_of(bundle))),
        "reference_probe": ReferenceProbe(bundle.ids[:3], 0.0, bundle.ids[0]),
    }
    forgery.record.update({name: records.plain(fact) for name, fact in facts.items()})

    def noted(*given: object, **named: object) -> tuple[str, ...]:
        asked.update(inspect.signature(remarks).bind(*given, **named).arguments)
        return ()

    monkeypatch.setattr("tools.judge.verify.remarks", noted)
    verify([source("x", forgery)], None)
    record = bundle.record
    assert asked == {
        "spec": bundle.spec,
        "dataset": record.dataset,
        "recipe": record.recipe,
        "parity": record.parity,
        "reference": bundle.variants[PTH],
        "operators": record.onnx_operators,
        "reused": facts["reused"],
        "files": facts["handed_in"],
        "weights": record.onnx_weights,
        "jpegs": facts["jpegs"],
        "made": facts["reference"],
        "probe": facts["reference_probe"],
        "on_device": True,
    }


def test_predictions_that_were_taken_bring_gates_of_their_own(
    forgery: Forgery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.judge.verify.remarks", lambda *_, **__: ())
    own = basis_of(read_bundle("x", forgery.sealed()))
    reference = ReferenceRecord(GPU, taken_from(dataclasses.replace(own, output=1)))
    forgery.record.update(reference=records.plain(reference), reference_basis=records.plain(own))
    gates = ["pth.accuracy.reference_fits", "pth.accuracy.reference_probe_abs_error"]
    forgery.record["verdict"].update(word="INCOMPLETE", missing=gates, remarks=[])
    outcome = verify([source("x", forgery)], None)
    assert f"{gates[0]}: the record leaves it open, its evidence fails it" in outcome.lines
    assert (outcome.status, outcome.word) == (NOT_GOOD_ENOUGH, Word.REJECTED)


def test_a_profile_that_failed_counts(forgery: Forgery) -> None:
    failed = not_run("", threshold=MADE, unit="")
    check = dataclasses.replace(failed, measured="failed", verdict=Verdict.FAIL, detail="the tool died")
    gates = ["om.perf.operators[bs1]", "om.perf.operators[bs4]"]
    forgery.record["profile"] = True
    forgery.record["gates"].append({"id": gates[0], "stage": "perf", "check": records.plain(check)})
    forgery.record["verdict"].update(word="REJECTED", failed=gates[:1], missing=gates[1:])
    outcome = verify([source("x", forgery)], None)
    assert (outcome.status, outcome.word) == (NOT_GOOD_ENOUGH, Word.REJECTED), outcome.text
    assert "taken as recorded: 1 gates: om.perf.operators" in outcome.lines
