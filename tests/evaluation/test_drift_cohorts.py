"""Slides whose stain shifts are found out, and which sets and cases are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from shazam.cohort.model import Case, Cohort, Slide
from shazam.cohort.store import write_cohort
from shazam.config.cohort import Task, Unit
from shazam.config.drift import DriftConfig, Severity
from shazam.config.imports import MissingTeacher, MissingValues
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.drift_cohorts import drift_between, find_feature_set, publish_drift
from shazam.evaluation.drift_result import Drift
from shazam.manifests import FeatureSetManifest, LevelDims
from shazam.publish import publish_bytes
from shazam.refs import CohortRef, Ref
from shazam.training.case_means import read_case_means
from shazam.workspace import Workspace
from tests.command import shazam_here
from tests.features.made import MeanColour, extracted, tiled
from tests.slides.made import make_slide, tissue_picture

N_REFERENCE, N_NEW = 40, 12
STAIN = np.array([0.93, 1.10, 0.90])


class Colours(MeanColour):
    """A quick teacher: mean and spread of each colour, and of their products."""

    identity = MeanColour.identity.model_copy(
        update={"name": "colours", "dims": LevelDims(low=9, mid=9, high=9)}
    )

    def __init__(self) -> None:
        super().__init__(name="colours")

    def encode(self, tiles):
        light = tiles.astype(np.float32) / 255
        parts = (light, light**2, light * light[..., [1, 2, 0]])
        found = np.concatenate([part.mean(axis=(1, 2)) for part in parts], axis=1)
        return dict.fromkeys(("low", "mid", "high"), found)


def section(seed: int, *, stained: bool = False) -> np.ndarray:
    """Return a small section, stained a little differently from slide to slide."""
    rng = np.random.default_rng([7, seed])
    rgb = tissue_picture(250, 250, margin_px=4, seed=seed) * rng.normal(1, 0.03, size=3)
    return np.clip(rgb * (STAIN if stained else 1), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Made:
    workspace: Workspace
    reference: Ref
    same: Ref
    stained: Ref


def cohort_of_slides(slides: list[Slide], *, age: float, seed: int) -> Cohort:
    ages = np.random.default_rng(seed).normal(age, 8, size=len(slides))
    cases = tuple(
        Case(slide.case_id, None, 12.0, True, None, (("age", f"{own:.1f}"), ("sex", "FM"[n % 2])))
        for n, (slide, own) in enumerate(zip(slides, ages, strict=True))
    )
    return Cohort(Task.SURVIVAL, cases, tuple(slides))


def feature_set(place: Workspace, folder: Path, slides: list[Slide], cohort: Cohort) -> Ref:
    features = extracted(tiled(slides, folder, place.root), folder, place.root, Colours())
    assert features.quarantine == ()
    return written(
        place,
        FeatureSetManifest(
            cohort=write_cohort(cohort, workspace=place),
            teachers=(features.teacher,),
            features=(features.slides,),
            quarantine=(),
            versions=(),
        ),
    )


def written(place: Workspace, manifest: FeatureSetManifest) -> Ref:
    uri, sha256 = place.write_manifest("validate_features", manifest)
    return Ref(uri=uri, sha256=sha256)


def manifest_of(made: Made, ref: Ref) -> FeatureSetManifest:
    return made.workspace.read_manifest(ref, FeatureSetManifest)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    root = tmp_path_factory.mktemp("drift")
    place = Workspace(root / "ws")
    folder = root / "slides"

    def slides(prefix: str, numbers: range, *, stained: bool = False) -> list[Slide]:
        return [
            make_slide(folder, f"{prefix}{n:02d}", rgb=section(n, stained=stained)) for n in numbers
        ]

    later = range(N_REFERENCE, N_REFERENCE + N_NEW)
    draws = {
        "reference": (slides("r", range(N_REFERENCE)), 60),
        "same": (slides("n", later), 60),
        "stained": (slides("s", later, stained=True), 85),
    }
    found = {
        name: feature_set(place, folder, own, cohort_of_slides(own, age=age, seed=number))
        for number, (name, (own, age)) in enumerate(draws.items())
    }
    return Made(place, **found)


def drift(made: Made, new: Ref, *, reference: Ref | None = None, **values: object) -> Drift:
    then = reference or made.reference
    return drift_between(
        then,
        new,
        config=DriftConfig(reference=then.sha256, **values),
        read=read_case_means,
        workspace=made.workspace,
    )


def test_a_stain_shift_is_flagged_and_a_second_draw_is_not(made):
    same, stained = (drift(made, new) for new in (made.same, made.stained))
    assert same.exceeded == ()
    assert same.not_judged == ()
    assert (same.n_reference, same.n_new, same.n_shared) == (N_REFERENCE, N_NEW, 0)
    assert stained.teachers[0].exceeded
    assert stained.teachers[0].ratio > 5 * same.teachers[0].ratio
    assert [column.exceeded for column in stained.columns] == [True, False]
    assert stained == drift(made, made.stained)


def test_the_command_prints_a_table_and_ends_with_the_code_of_a_refusal(made):
    common = ["drift", "-w", made.workspace.root, "--reference", made.reference.sha256[:12]]
    same = shazam_here(*common, "--new", made.same.sha256, "--severity", "critical")
    assert same.code == 0, same.text
    assert "features of colours" in same.out
    assert "alike" in same.out
    shown = shazam_here(*common, "--new", made.stained.sha256)
    assert shown.code == 0
    assert "DRIFTED" in shown.out
    refused = shazam_here(*common, "--new", made.stained.sha256, "--severity", "critical", "--json")
    assert refused.code == 5
    told = json.loads(refused.out)
    assert told["teachers"][0]["exceeded"] is True
    assert Drift.model_validate(told) == drift(made, made.stained, severity=Severity.CRITICAL)
    lax = shazam_here(
        *common, "--new", made.stained.sha256, "--severity", "critical",
        "--max-psi", "50", "--max-frechet-ratio", "1e6",
    )  # fmt: skip
    assert lax.code == 0, lax.text


def test_what_the_step_publishes_says_whether_anything_drifted(made):
    manifest = manifest_of(made, made.stained)
    config = DriftConfig(reference=made.reference.sha256)
    ref, told = publish_drift(
        made.stained, config=config, read=read_case_means, workspace=made.workspace
    )
    assert ref.drifted
    assert "features of colours (ratio" in told
    assert made.workspace.read_manifest(ref, Drift) == drift(made, made.stained)
    assert len(manifest.slides()) == N_NEW


def test_cases_of_the_reference_are_left_out_by_name_and_by_content(made):
    then, new = (manifest_of(made, ref) for ref in (made.reference, made.same))
    named = (*new.features[0], *then.features[0][:3])
    slides = [*_slides(made, made.same), *_slides(made, made.reference)[:3]]
    cohort = cohort_of_slides(slides, age=60, seed=1)
    again = replace(cohort, slides=tuple(_renamed(cohort, 2)))
    joined = written(
        made.workspace,
        new.model_copy(
            update={
                "cohort": write_cohort(again, workspace=made.workspace),
                "features": (named,),
            }
        ),
    )
    found = drift(made, joined)
    assert (found.n_new, found.n_shared) == (N_NEW - 2, 5)
    assert "(5 that stand in both left out)" in found.sentence()


def _slides(made: Made, ref: Ref) -> list[Slide]:
    from shazam.cohort.store import load_cohort

    return list(load_cohort(made.workspace.open_ref(manifest_of(made, ref).cohort)).slides)


def _renamed(cohort: Cohort, n: int) -> list[Slide]:
    """Give the first slides the content of the last ones, which stand in the reference."""
    *_, known = (slide for slide in cohort.slides if slide.slide_id.startswith("r"))
    return [
        replace(slide, sha256=known.sha256) if number < n else slide
        for number, slide in enumerate(cohort.slides)
    ]


def test_a_cohort_against_itself_has_nothing_to_judge(made):
    found = drift(made, made.reference, severity=Severity.CRITICAL)
    assert (found.n_new, found.n_shared) == (0, N_REFERENCE)
    assert found.refused
    assert "0 case(s) new" in found.sentence()


@pytest.mark.parametrize(
    ("key", "value"),
    [("revision", "2"), ("weights_sha256", "9" * 64), ("transform_sha256", None)],
)
def test_another_teacher_under_the_same_name_is_refused(made, key, value):
    manifest = manifest_of(made, made.same)
    (teacher,) = manifest.teachers
    other = manifest.model_copy(update={"teachers": (teacher.model_copy(update={key: value}),)})
    with pytest.raises(ConfigError, match=f"teacher 'colours', {key}: .*{value}"):
        drift(made, written(made.workspace, other))


def test_another_licence_is_the_same_teacher_and_another_name_has_no_reference(made):
    manifest = manifest_of(made, made.same)
    (teacher,) = manifest.teachers
    licensed = teacher.model_copy(update={"licence": "MIT"})
    same = manifest.model_copy(update={"teachers": (licensed,)})
    assert drift(made, written(made.workspace, same)).exceeded == ()
    other = manifest.model_copy(update={"teachers": (teacher.model_copy(update={"name": "x"}),)})
    with pytest.raises(ConfigError, match="the new cohort x; nothing can be compared"):
        drift(made, written(made.workspace, other))


def test_a_feature_set_is_found_by_its_digest_or_the_start_of_it(made, tmp_path):
    whole = made.reference.sha256
    assert find_feature_set(whole, workspace=made.workspace) == made.reference
    assert find_feature_set(whole[:16], workspace=made.workspace) == made.reference
    place = Workspace(tmp_path)
    for digest in ("ab" * 32, "ac" * 32):
        publish_bytes(tmp_path / "manifests/validate_features" / f"{digest}.json", b"{}")
    assert find_feature_set("ab", workspace=place).sha256 == "ab" * 32
    with pytest.raises(ConfigError, match="several feature sets"):
        find_feature_set("a", workspace=place)
    (tmp_path / "runs" / ("ab" * 31 + "cd")).mkdir(parents=True)
    with pytest.raises(ConfigError, match="several feature sets or runs"):
        find_feature_set("ab", workspace=place)


@pytest.mark.parametrize("name", ["0" * 64, "", "nothing/here", "../x", "f" * 65])
def test_what_is_not_there_is_refused_with_what_is(made, name):
    with pytest.raises(ConfigError, match="no feature set of this workspace"):
        find_feature_set(name, workspace=made.workspace)


def test_an_altered_feature_file_is_refused(made, tmp_path):
    entry = manifest_of(made, made.same).features[0][0]
    path = made.workspace.path(entry.uri)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"x")
    try:
        with pytest.raises(ArtifactError, match="altered"):
            drift(made, made.same)
    finally:
        path.unlink()
        path.write_bytes(content)


def test_means_are_those_of_the_tiles_also_where_tiles_are_cases(made):
    manifest = manifest_of(made, made.same)
    found = read_case_means(manifest, teachers=["colours"], workspace=made.workspace)
    entry = manifest.features[0][3]
    with h5py.File(made.workspace.path(entry.uri)) as file:
        expected = file["high"][()].astype(np.float64).mean(axis=0)
    row = found.case_ids.index(entry.case_id)
    assert found.means["colours"][row] == pytest.approx(expected, abs=1e-6)
    tiles = manifest.model_copy(update={"unit": Unit.TILE})
    again = read_case_means(tiles, teachers=["colours"], workspace=made.workspace)
    assert again.case_ids == found.case_ids
    assert (again.means["colours"] == found.means["colours"]).all()


def test_a_case_that_a_teacher_lacks_is_nan_and_not_compared(made):
    manifest = manifest_of(made, made.same)
    (teacher,), (slides,) = manifest.teachers, manifest.features
    masked = manifest.model_copy(
        update={
            "teachers": (teacher, teacher.model_copy(update={"name": "whole"})),
            "features": (slides[1:], slides),
            "missing_teacher": MissingTeacher.MASK,
            "missing_values": MissingValues.IMPUTE,
        }
    )
    found = drift(made, written(made.workspace, masked))
    assert found.teachers[0].n_new == N_NEW - 1
    assert "features of whole: the reference has no features of it" in found.not_judged


def test_a_missing_cohort_is_told(made):
    manifest = manifest_of(made, made.same)
    absent = CohortRef(uri="cohorts/x/cohort.parquet", sha256="0" * 64, n_cases=1, n_slides=1)
    lost = written(made.workspace, manifest.model_copy(update={"cohort": absent}))
    with pytest.raises(ArtifactError, match="missing from the workspace"):
        drift(made, lost)
