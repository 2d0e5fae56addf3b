"""The library that a config names: its own teachers, its lock, whose code may be run."""

import json

import pytest
from safetensors.torch import save

from shazam.config.extraction import ExtractionConfig
from shazam.errors import ConfigError
from shazam.teachers.encoder import load_encoder
from shazam.teachers.library import TeacherLibrary
from shazam.teachers.lock import write_lock
from tests.teachers.made import HUB_ID, VIT, mirror_library, seeded, tiles

OWN = f"""
teachers:
  small:
    source: {{kind: hub, hub_id: {HUB_ID}, weights: [model.safetensors]}}
    network: {{architecture: {VIT.architecture}, pooling: cls, kwargs: {json.dumps(VIT.kwargs)}}}
    transform: {{mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3], input_px: 28}}
    dims: {{low: 32, mid: 32, high: 32}}
    licence: MIT
"""


@pytest.fixture
def extraction(tmp_path, monkeypatch) -> ExtractionConfig:
    weights = save({n: t.contiguous() for n, t in seeded(VIT).state_dict().items()})
    made = mirror_library(tmp_path / "mirror", VIT, {"model.safetensors": weights})
    write_lock(tmp_path / "lock.yaml", made.lock)
    (tmp_path / "own.yaml").write_text(OWN)
    monkeypatch.setenv("SHAZAM_WEIGHTS", str(tmp_path / "mirror"))
    monkeypatch.chdir(tmp_path)
    return ExtractionConfig(
        teachers=("small",),
        teachers_file=tmp_path / "own.yaml",
        teachers_lock=tmp_path / "lock.yaml",
    )


def test_a_users_teacher_is_identified_and_loaded_from_its_files(extraction):
    library = TeacherLibrary.from_config(extraction)
    encoder = load_encoder("small", device="cpu", library=library)
    assert encoder.identity == library.identity("small")
    assert (encoder.device_type, encoder.precision, encoder.input_px) == ("cpu", "float32", 28)
    assert encoder.encode(tiles(2))["high"].shape == (2, 32)


def test_by_default_the_lock_of_the_current_folder_and_the_shipped_catalogue_count(
    extraction, tmp_path
):
    (tmp_path / "lock.yaml").rename(tmp_path / "teachers.lock.yaml")
    assert "small" in TeacherLibrary.open().lock.teachers
    with pytest.raises(ConfigError, match="'small' is unknown"):
        load_encoder("small", device="cpu")


def test_files_that_are_not_there_are_named(extraction, tmp_path, monkeypatch):
    for change in (
        {"teachers_file": tmp_path / "no.yaml"},
        {"teachers_lock": tmp_path / "no.yaml"},
    ):
        with pytest.raises(ConfigError, match=r"no\.yaml"):
            TeacherLibrary.from_config(extraction.model_copy(update=change))
    monkeypatch.setenv("SHAZAM_WEIGHTS", str(tmp_path / "no-folder"))
    with pytest.raises(ConfigError, match=r"SHAZAM_WEIGHTS=.*is no folder"):
        TeacherLibrary.from_config(extraction)


def test_allowing_an_unknown_teacher_is_refused(extraction):
    with pytest.raises(ConfigError, match="'nobody' is unknown"):
        TeacherLibrary.from_config(extraction.model_copy(update={"allow_remote_code": ("nobody",)}))
