"""Content digests: what they tell apart, and what they do not look at."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tools.base.errors import SuiteError
from tools.store.content import checkpoint_content_sha256, images_content_sha256


def test_the_tensor_digest_binds_name_shape_type_and_every_bit_but_not_order() -> None:
    import torch

    values = torch.arange(6, dtype=torch.float32)
    base = {"a": values.reshape(2, 3), "b": values}
    others = [
        {"a": values.reshape(3, 2), "b": values},
        {"a": values.reshape(2, 3), "c": values},
        {"a": values.reshape(2, 3), "b": values.view(torch.int32)},
        {"a": values.reshape(2, 3), "b": torch.nextafter(values, values + 1)},
        {"a": values.reshape(2, 3)},
    ]
    digests = {checkpoint_content_sha256(state) for state in (base, *others)}
    assert len(digests) == 1 + len(others)
    assert checkpoint_content_sha256(dict(reversed(base.items()))) == checkpoint_content_sha256(base)
    transposed = {"a": base["a"].T.contiguous().T, "b": values}
    assert checkpoint_content_sha256(transposed) == checkpoint_content_sha256(base)
    with pytest.raises(SuiteError, match="no tensor"):
        checkpoint_content_sha256({})


def test_the_image_digest_binds_names_and_bytes_but_not_folders(tmp_path: Path) -> None:
    def written(folder: str, name: str, content: bytes) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    a, b = written("one", "a", b"1"), written("one", "b", b"2")
    lines = f"{hashlib.sha256(b'1').hexdigest()}  a\n{hashlib.sha256(b'2').hexdigest()}  b\n"
    base = images_content_sha256([b, a])
    assert base == hashlib.sha256(lines.encode()).hexdigest()
    assert images_content_sha256([a, written("two", "b", b"2")]) == base
    others = [[a], [a, written("two", "c", b"2")], [a, written("two", "b", b"3")]]
    others.append([written("two", "a", b"2"), written("three", "b", b"1")])
    assert base not in {images_content_sha256(files) for files in others}
    with pytest.raises(SuiteError, match="has the same"):
        images_content_sha256([a, written("two", "a", b"1")])
    with pytest.raises(SuiteError, match="no file"):
        images_content_sha256([])
