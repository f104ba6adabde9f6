"""Whole runs of ports that say how wide their OMs compute: asked of atc, said beside the verdict, and computed so."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.evidence.tampering import Forgery, contents_of
from selftest.ports.tiny import TinyPort, tiny_port
from selftest.test_tiny_ports import accepted, options, whole_run
from tools.base.errors import SpecError
from tools.base.files import sha256_of
from tools.judge.acceptance import Acceptance
from tools.judge.verify import REFUSED
from tools.ports.spec import load_port

CONV = "/depthwise/depthwise.0/Conv"


def precision_port(folder: Path, *flags: str, listed: str = f"{CONV}\n", batches: str = "[1]") -> TinyPort:
    """The tiny port with flags of atc and a list of operators."""
    folder.mkdir(parents=True)
    (folder / "keep.cfg").write_text(listed, encoding="utf-8")
    return tiny_port(folder, batches=batches, om=f"{{atc_extra_args: [{', '.join(flags)}]}}")


def largest_error(record: Acceptance) -> float:
    """How far the logits of the OM lie from the checkpoint's."""
    (om,) = [variant for variant in record.variants if variant.name == "om_bs1"]
    assert om.agreement is not None
    assert om.agreement.max_abs_error_logits is not None
    return om.agreement.max_abs_error_logits


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> TinyPort:
    """A port of mixed precision with a listed operator and fp16 at the end."""
    return precision_port(
        tmp_path_factory.mktemp("mixed") / "port",
        *("--precision_mode=allow_mix_precision", "--keep_dtype=keep.cfg", "--output_type=FP16"),
    )


@pytest.fixture(scope="module")
def mixed_record(mixed: TinyPort) -> Acceptance:
    """A whole run of it, which the offline judge has confirmed."""
    return accepted(whole_run(mixed))


def test_float32_is_computed_and_said(tmp_path: Path, mixed_record: Acceptance) -> None:
    record = accepted(
        whole_run(
            precision_port(
                tmp_path / "port",
                *("--precision_mode=must_keep_origin_dtype", "--op_select_implmode=high_performance"),
                "--optypelist_for_implmode=Gelu",
            )
        )
    )
    assert [said for said in record.verdict.remarks if "precision" in said] == [
        "precision: must_keep_origin_dtype, high_performance for Gelu; logits are held within the bounds of fp16, "
        "which are wider than this needs; the simulator computes every implementation of an operator alike"
    ]
    assert largest_error(record) < 1e-5 < 1e-4 < largest_error(mixed_record)


def test_mixed_precision_with_a_listed_operator_is_judged(mixed_record: Acceptance) -> None:
    said = "precision: allow_mix_precision, keep_dtype keep.cfg, output_type FP16"
    assert said in mixed_record.verdict.remarks
    (om,) = mixed_record.oms
    assert {"--keep_dtype=keep.cfg", "--output_type=FP16"} <= set(om.described.stored.flags)


def test_the_listed_file_is_evidence_by_its_bytes(mixed: TinyPort, mixed_record: Acceptance) -> None:
    digest = sha256_of(mixed.port.with_name("keep.cfg"))
    assert mixed_record.spec is not None
    assert mixed_record.spec.files["keep.cfg"] == digest
    (files,) = [command.files for command in mixed_record.commands if "keep_dtype" in command.files]
    assert files["keep_dtype"] == digest


def test_another_list_than_the_ports_is_told_offline(mixed: TinyPort, mixed_record: Acceptance) -> None:
    forgery = Forgery(contents_of(Path(str(options(mixed)["evidence"]))))
    (command,) = [one for one in forgery.record["commands"] if "keep_dtype" in one["files"]]
    command["files"]["keep_dtype"] = "0" * 64
    outcome = forgery.outcome()
    assert outcome.status == REFUSED
    assert "the file of --keep_dtype is" in outcome.text


@pytest.mark.nightly
def test_another_list_makes_another_om(mixed: TinyPort, mixed_record: Acceptance) -> None:
    """Same name, other bytes: the OM of the first list must not serve."""
    path = mixed.port.with_name("keep.cfg")
    path.write_text(f"{CONV}\nOpType::Gemm\n", encoding="utf-8")
    again = whole_run(mixed)
    made = {digest.sha256 for digest in again.digests if digest.name == "om_bs1"}
    assert made.isdisjoint(digest.sha256 for digest in mixed_record.digests)


@pytest.mark.parametrize(
    ("flag", "content", "said"),
    [
        ("--keep_dtype=nosuch.cfg", "", "there is no such file of --keep_dtype beside the port"),
        ("--keep_dtype=own.cfg", "OpType::conv", "must be in PascalCase"),
        ("--op_precision_mode=own.cfg", "Gelu=high_preformance", "high_preformance is none of"),
        ("--keep_dtype=../own.cfg", "", "it must be the name of a file beside the port's"),
        ("--output_type=UINT8", "", "logits are judged as FP32 or FP16"),
    ],
)
def test_flags_that_cannot_be_taken_are_refused_with_the_port(
    tmp_path: Path, flag: str, content: str, said: str
) -> None:
    port = tiny_port(tmp_path / "port")
    (tmp_path / "port" / "own.cfg").write_text(content, encoding="utf-8")
    port.edit("  batches:", f"  om: {{atc_extra_args: ['{flag}']}}\n  batches:")
    with pytest.raises(SpecError, match=said):
        load_port(port.port)
