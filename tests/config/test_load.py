"""Config: defaults, file, --set, environment; every shipped file loads."""

from pathlib import Path

import pytest

from shazam.config import leaves, load_config
from shazam.config.student import StudentConfig, Variant
from shazam.errors import ConfigError, ExitCode
from shazam.stages import SOURCE_ROOT

CONFIGS = SOURCE_ROOT / "configs"
PARTS = (".acceptance.yaml", ".cluster.yaml")
SHIPPED = sorted(p for p in CONFIGS.glob("*.yaml") if not p.name.endswith(PARTS))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_loads(path):
    assert load_config(path, environment={}).config.cohort.name


def test_later_sources_win_and_their_origin_is_known():
    loaded = load_config(
        CONFIGS / "demo.yaml",
        overrides=["training.max_epochs=7", "training.batch_cases=9"],
        environment={"SHAZAM__TRAINING__MAX_EPOCHS": "5", "OTHER": "x"},
    )
    assert loaded.config.training.max_epochs == 5
    assert loaded.config.training.batch_cases == 9
    assert loaded.origin("training.max_epochs") == "environment SHAZAM__TRAINING__MAX_EPOCHS"
    assert loaded.origin("training.batch_cases") == "--set training.batch_cases"
    assert loaded.origin("splits.n_folds") == "demo.yaml"
    assert loaded.origin("tiling.tile_um") == "default"


def test_values_are_yaml():
    loaded = load_config(CONFIGS / "demo.yaml", overrides=["training.seeds=[1, 2]"], environment={})
    assert loaded.config.training.seeds == (1, 2)


def test_paths_are_relative_to_the_file(tmp_path):
    text = (CONFIGS / "survival.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text)
    config = load_config(tmp_path / "mine.yaml", environment={}).config
    assert config.cohort.sources() == (tmp_path / "cohort.csv", tmp_path / "slides")


def test_files_of_teachers_are_relative_too_and_a_lock_beside_is_taken(tmp_path):
    text = (CONFIGS / "survival.yaml").read_text()
    own = text.replace("extraction:", "extraction:\n  teachers_file: own.yaml")
    (tmp_path / "mine.yaml").write_text(own)
    extraction = load_config(tmp_path / "mine.yaml", environment={}).config.extraction
    assert (extraction.teachers_file, extraction.teachers_lock) == (tmp_path / "own.yaml", None)
    (tmp_path / "teachers.lock.yaml").write_text("version: 1\n")
    loaded = load_config(tmp_path / "mine.yaml", environment={})
    assert loaded.config.extraction.teachers_lock == tmp_path / "teachers.lock.yaml"
    assert loaded.origin("extraction.teachers_lock") == "beside mine.yaml"
    assert loaded.config.asked().extraction.teachers_lock is None
    named = own.replace("extraction:", "extraction:\n  teachers_lock: sub/other.yaml")
    (tmp_path / "mine.yaml").write_text(named)
    extraction = load_config(tmp_path / "mine.yaml", environment={}).config.extraction
    assert extraction.teachers_lock == tmp_path / "sub" / "other.yaml"


def test_leaves_cover_the_tree():
    config = load_config(CONFIGS / "demo.yaml", environment={}).config
    keys = [key for key, _ in leaves(config)]
    assert len(keys) == len(set(keys))
    assert {"cohort.name", "acceptance.margin", "max_quarantine_fraction"} <= set(keys)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["demo.sgnal=0"], "demo.sgnal: Extra inputs are not permitted"),
        (["training.max_epochs=0"], "training.max_epochs.*from --set"),
        (["training.max_epochs=.nan"], "training.max_epochs"),
        (["nonsense"], "section.name=value"),
        (["cohort.name.x=1"], "holds a value, not a section"),
        (["training.max_epochs=[1"], "not a valid YAML value"),
        (["acceptance.candidate=late_ensemble"], "not an arm that can be registered"),
        (["acceptance.candidate=clinical"], "not an arm that can be registered"),
        (["acceptance.candidate=clam_sb.efficientnet_lite0"], "not an arm that can be"),
        (["acceptance.compared_to=logit_prod", "arms.logit_prod=false"], "not an arm of this"),
        (["acceptance.compared_to=clinical", "cohort.clinical_columns=[]"], "not an arm of this"),
        (["cohort.clinical_columns=[age, age]"], "clinical_columns: named twice: age"),
        (["cohort.clinical_columns=[age, event]"], "must not be known beforehand"),
        (["arms.baselines=[abmil, abmil]"], "baselines: named twice: abmil"),
        (["arms.joint=[concat_abmil, concat_abmil]"], "joint: named twice: concat_abmil"),
        (["arms.baselines=[resnet]"], "arms.baselines"),
        (["arms.logit_prod_ridge=-1"], "arms.logit_prod_ridge"),
        (["acceptance.compared_to=fusion_student_v2"], "names the candidate"),
        (["acceptance.candidate=fusion_student_v1"], "not an arm that can be registered"),
        (["arms.students=[]"], "not an arm that can be registered"),
        (["arms.students=[fusion_student_v1]"], "not an arm that can be registered"),
        (["arms.students=[fusion_student_v2, fusion_student_v2]"], "named twice"),
        (["student.teacher_dropout=1.5"], "student.teacher_dropout"),
        (["student.v1.n_blocks=0"], "student.v1.n_blocks"),
        (["acceptance.compared_to=nothing"], "not an arm of this config"),
        (["extraction.teachers=[a, a]"], "named twice"),
        (["training.seeds=[0, 0]"], "named twice"),
        (["training.seeds=[-1]"], "training.seeds"),
        (["extraction.teachers=[../a]"], "extraction.teachers"),
    ],
)
def test_bad_values_are_explained(overrides, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(CONFIGS / "demo.yaml", overrides=overrides, environment={})
    assert caught.value.exit_code is ExitCode.CONFIGURATION


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n", "must hold a mapping"),
        (b"a: [", "not valid YAML"),
        (b"\xff\xfe\xff", "cannot be read"),
        (b"cohort: {name: a}\n", "acceptance"),
        (b"cohort: {name: a}\nacceptance: absent.yaml\n", "absent.yaml: cannot be read"),
    ],
)
def test_bad_files_are_explained(tmp_path, content, message):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / "a.yaml", environment={})


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        load_config(Path("absent.yaml"), environment={})


def test_a_cohort_without_sources_says_which_is_missing():
    config = load_config(CONFIGS / "demo.yaml", environment={}).config
    with pytest.raises(ConfigError, match=r"cohort\.table is not set"):
        config.cohort.sources()


def test_an_alias_inside_what_it_names_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("cohort: &a {name: *a}")
    with pytest.raises(ConfigError, match=r"mine\.yaml: not valid YAML: an alias"):
        load_config(path, environment={})


@pytest.mark.parametrize("value", ["2026-13-01", "!!bool maybe", "!!timestamp x", "!!float x", "["])
def test_yaml_that_stands_for_no_value_is_named(tmp_path, value):
    path = tmp_path / "mine.yaml"
    path.write_text(f"cohort: {{name: {value}}}")
    with pytest.raises(ConfigError, match=r"mine\.yaml: not valid YAML"):
        load_config(path, environment={})
    with pytest.raises(ConfigError, match=r"--set tiling\.tile_um=.*: not a valid YAML value"):
        load_config(CONFIGS / "demo.yaml", overrides=[f"tiling.tile_um={value}"], environment={})


def test_students_are_arms_and_candidates():
    loaded = load_config(
        CONFIGS / "demo.yaml",
        overrides=[
            "arms.students=[fusion_student_v1, fusion_student_v2]",
            "acceptance.candidate=fusion_student_v1",
        ],
        environment={},
    )
    assert loaded.config.arm_names()[-2:] == ("fusion_student_v1", "fusion_student_v2")
    alone = load_config(
        CONFIGS / "demo.yaml",
        overrides=["arms.students=[]", "acceptance.candidate=abmil.efficientnet_lite0"],
        environment={},
    )
    assert not [name for name in alone.config.arm_names() if name.startswith("fusion")]


def test_the_faithful_variant_has_no_teacher_dropout():
    assert StudentConfig(variant=Variant.FAITHFUL).used_teacher_dropout() == 0.0
    assert StudentConfig(teacher_dropout=0.3).used_teacher_dropout() == 0.3


BOTH = ("efficientnet_lite0", "efficientnet_lite1")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (
            [],
            [
                "clinical",
                *(f"{f}.{t}" for f in ("mean_pool", "abmil") for t in BOTH),
                "concat_abmil",
                "late_ensemble",
                "logit_prod",
            ],
        ),
        (
            ["extraction.teachers=[efficientnet_lite0]"],
            [
                "clinical",
                "mean_pool.efficientnet_lite0",
                "abmil.efficientnet_lite0",
                "late_ensemble",
            ],
        ),
        (
            [
                "arms.baselines=[trans_mil, clam_sb]",
                "arms.joint=[]",
                "arms.clinical=false",
                "acceptance.compared_to=clam_sb.efficientnet_lite1",
            ],
            [f"{f}.{t}" for f in ("trans_mil", "clam_sb") for t in BOTH],
        ),
        (
            [
                "arms.late_ensemble=false",
                "cohort.clinical_columns=[]",
                "arms.baselines=[abmil]",
                "acceptance.compared_to=logit_prod",
            ],
            [*(f"abmil.{t}" for t in BOTH), "concat_abmil", "logit_prod"],
        ),
    ],
)
def test_arms_follow_from_the_config(overrides, expected):
    config = load_config(CONFIGS / "demo.yaml", overrides=overrides, environment={}).config
    assert config.arm_names() == (*expected, "fusion_student_v2")
    assert set(config.arm_names()) - set(config.candidates()) <= {"late_ensemble", "clinical"}


@pytest.mark.parametrize("candidate", ["logit_prod", "concat_abmil", "abmil.efficientnet_lite0"])
def test_every_arm_with_a_model_can_be_the_candidate(candidate):
    overrides = [f"acceptance.candidate={candidate}"]
    config = load_config(CONFIGS / "demo.yaml", overrides=overrides, environment={}).config
    assert config.acceptance.candidate in config.candidates()


def test_the_licence_of_a_reference_counts_where_it_is_the_candidate():
    of_reference = [
        "acceptance.candidate=mean_pool.colour_statistics",
        "acceptance.compared_to=late_ensemble",
    ]
    path = CONFIGS / "classification.yaml"
    plain = load_config(path, environment={}).config
    judged = load_config(path, overrides=of_reference, environment={}).config.judged_encoders()
    assert judged == (*plain.teachers(), "colour_statistics")
    assert plain.judged_encoders() == plain.teachers()
