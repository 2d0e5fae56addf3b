"""Bundles: one digest over every file, formats that cannot run code."""

import pytest

from shazam.errors import ArtifactError
from shazam.promotion import build_bundle


@pytest.fixture
def files(tmp_path):
    for name in ("a.json", "b.safetensors"):
        (tmp_path / name).write_text(name)
    return {"metrics.json": tmp_path / "a.json", "models/b.safetensors": tmp_path / "b.safetensors"}


def test_the_digest_covers_names_and_bytes(files, tmp_path):
    bundle = build_bundle(files)
    assert build_bundle(dict(reversed(files.items()))).sha256 == bundle.sha256
    renamed = {"other.json": files["metrics.json"], **files}
    del renamed["metrics.json"]
    assert build_bundle(renamed).sha256 != bundle.sha256
    (tmp_path / "a.json").write_text("changed")
    assert build_bundle(files).sha256 != bundle.sha256


@pytest.mark.parametrize("suffix", ["pkl", "pt", "bin", "ckpt", "h5", "npy", ""])
def test_formats_that_can_run_code_are_refused(suffix, tmp_path):
    (tmp_path / "model").write_text("x")
    with pytest.raises(ArtifactError, match="safetensors, JSON, Markdown and Parquet only"):
        build_bundle({f"models/model.{suffix}".rstrip("."): tmp_path / "model"})
