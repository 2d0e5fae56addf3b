"""A stage depends on what its step imports, on nothing else."""

import pytest

from shazam.stages import SOURCE_ROOT, source_files, stage_names


def test_stages_are_the_steps():
    assert {"ingest", "extract", "distill", "register"} <= set(stage_names())
    assert "__init__" not in stage_names()


@pytest.mark.parametrize("stage", stage_names())
def test_a_stage_depends_on_its_step_and_on_files_that_exist(stage):
    files = source_files(stage)
    assert f"steps/{stage}.py" in files
    assert all((SOURCE_ROOT / name).is_file() for name in files)


def test_imports_are_followed():
    assert "shazam/slides/tissue.py" in source_files("tile")
    assert "shazam/models/student.py" in source_files("distill")
    assert "shazam/publish.py" in source_files("extract")


def test_unused_rooms_do_not_count():
    assert not [name for name in source_files("extract") if "/evaluation/" in name]
    assert not [name for name in source_files("tile") if "/models/" in name]
    assert not [name for name in source_files("evaluate") if "/training/" in name]


def test_templates_suites_and_the_environment_count():
    assert "shazam/evaluation/templates/style.css" in source_files("evaluate")
    assert "shazam/integrations/suites/features.yaml" in source_files("validate_features")
    assert "requirements.lock" in source_files("extract")
    assert "shazam/teachers/catalogue.yaml" in source_files("extract")


def test_a_folder_beside_modules_counts_where_one_of_them_names_it():
    assert [name for name in source_files("ingest") if "/integrations/" in name]
    assert not [name for name in source_files("ingest") if "/suites/" in name]
    assert "shazam/integrations/suites/cohort.yaml" in source_files("validate")


def test_names_that_enter_results_count():
    assert {"shazam/errors.py", "shazam/config/tiling.py"} <= set(source_files("tile"))


def test_an_unknown_stage_is_refused():
    with pytest.raises(FileNotFoundError, match="absent"):
        source_files("absent")
