"""A few cases and their tiles: chosen by a rule, by members that never saw them, on real slides."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Slide
from shazam.config.arms import BaselineFamily, StudentArm
from shazam.config.cohort import Task, Unit
from shazam.config.student import Form, StudentConfig, StudentV1Config
from shazam.errors import ArtifactError
from shazam.explanations import AttendedCase
from shazam.features.bag_files import Reading
from shazam.features.bags import load_bags
from shazam.features.feature_set import join_features
from shazam.features.located_tiles import locate_tiles
from shazam.manifests import FeatureSetManifest
from shazam.models.arm import ArmResult, Member, MemberRecord, Stopping
from shazam.models.bundle import Ensemble, load_ensemble, save_arm
from shazam.models.heads import Head
from shazam.models.logit_prod import LogitProd
from shazam.models.specs import AbmilSpec
from shazam.slides import read_grid
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.explain_cases import ScoredCase, choose_cases, score_test_cases
from shazam.training.explain_slides import TileSource, attended_cases, without_tiles
from shazam.training.explain_tiles import N_TILES, top_tiles, without_attention
from shazam.training.student import fit_student
from shazam.workspace import Workspace
from tests.features.made import MeanColour, extracted, tiled
from tests.slides.made import make_slide, tissue_picture
from tests.training.made import QUICK, TEACHERS, Quiet, make_study, make_teachers


def scored(**of_cases: float | tuple[float, ...]) -> list[ScoredCase]:
    return [
        ScoredCase(name, row, None, None, np.atleast_1d(np.array(score, float)))
        for row, (name, score) in enumerate(of_cases.items())
    ]


def chosen(cases: list[ScoredCase], **manifest: object) -> list[tuple[str, str]]:
    known = {"classes": (), "targets": (), **manifest}
    found = choose_cases(cases, manifest=SimpleNamespace(**known))
    return [(case.scored.case_id, case.why) for case in found]


def test_of_risks_the_two_highest_and_the_two_lowest_are_shown():
    cases = scored(a=0.1, b=2.0, c=-1.0, d=0.5, e=3.0)
    assert chosen(cases, head=Head.DISCRETE_TIME) == [
        ("e", "highest risk"),
        ("b", "second highest risk"),
        ("c", "lowest risk"),
        ("a", "second lowest risk"),
    ]


def test_equal_risks_are_ordered_by_name_whatever_the_order_of_the_cases():
    cases = scored(d=1, b=1, a=1, e=1, c=1)
    names = [name for name, _ in chosen(cases, head=Head.LINEAR_RISK)]
    assert names == ["a", "b", "e", "d"]
    assert names == [name for name, _ in chosen(cases[::-1], head=Head.LINEAR_RISK)]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_case_of_a_few_is_shown_twice(n):
    cases = scored(**{name: number for number, name in enumerate("abc"[:n])})
    names = [name for name, _ in chosen(cases, head=Head.LINEAR_RISK)]
    assert sorted(names) == list("abc"[:n])


def test_of_each_class_the_surest_case_is_shown_once_and_four_at_most():
    cases = scored(a=(0.9, 0.05, 0.05), b=(0.2, 0.7, 0.1), c=(0.85, 0.1, 0.05), d=(0.3, 0.3, 0.4))
    assert chosen(cases, head=Head.CLASSES, classes=("x", "y", "z")) == [
        ("a", "highest probability of x, 0.900"),
        ("b", "highest probability of y, 0.700"),
        ("d", "highest probability of z, 0.400"),
    ]
    halves = scored(a=(0.5, 0.5), b=(0.6, 0.4))
    assert [n for n, _ in chosen(halves, head=Head.CLASSES, classes=("x", "y"))] == ["b", "a"]
    many = scored(**{f"c{n}": tuple(np.eye(6)[n]) for n in range(6)})
    assert len(chosen(many, head=Head.CLASSES, classes=tuple("uvwxyz"))) == 4


def test_of_values_those_of_the_first_target_count():
    cases = scored(a=(1, 9), b=(5, 0), c=(3, 5))
    assert chosen(cases, head=Head.VALUES, targets=("CD8A", "HLA-A")) == [
        ("b", "highest value of CD8A"),
        ("c", "second highest value of CD8A"),
        ("a", "lowest value of CD8A"),
    ]


def stored(result: ArmResult, folder: Path, teachers=None) -> Ensemble:
    paths = {"json_path": folder / "m.json", "safetensors_path": folder / "m.safetensors"}
    save_arm(result, teachers=teachers or make_teachers(), provenance={}, **paths)
    return load_ensemble(*paths.values())


@pytest.mark.parametrize("task", [Task.SURVIVAL, Task.REGRESSION])
def test_cases_are_scored_by_the_first_seed_of_their_own_fold(tmp_path, task):
    study = make_study(task)
    result = fit_baseline(
        BaselineFamily.ABMIL,
        teacher=TEACHERS[0],
        study=study,
        config=QUICK.model_copy(update={"seeds": (3, 1)}),
        execution=Execution(),
        progress=Quiet,
    )
    found = score_test_cases(stored(result, tmp_path), study.bags, splits=study.splits)
    assert sorted(case.case_id for case in found) == list(study.bags.case_ids)
    table = result.predictions
    first = table[table["seed"] == result.members[0].record.seed]
    column = "risk" if task is Task.SURVIVAL else "value_CD8A"
    for fold in range(3):
        own = first[first["fold"] == fold].set_index("case_id")
        reference = own.loc[own["part"] == "validation", column].to_numpy()
        for case in found:
            if case.case_id not in study.splits.folds[fold].test:
                continue
            assert (case.member.record.fold, study.bags.case_ids[case.row]) == (fold, case.case_id)
            expected = own.loc[case.case_id, column]
            if task is Task.SURVIVAL:
                expected = (expected - reference.mean()) / reference.std()
            assert case.scores[0] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def abmil(dim_in: int = 3, *, source=("mean_colour", "high"), seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    spec = AbmilSpec(teacher=source[0], level=source[1], dim_in=dim_in, dim=8)
    return spec.build(n_outputs=1).eval()


def test_the_heaviest_tiles_come_first_relative_to_equal_weights():
    bags = make_study(Task.SURVIVAL).bags
    network = abmil(10, source=("ann", "high"))
    row = int(bags.lengths.argmax())
    top = top_tiles(network, bags, row=row)
    with torch.inference_mode():
        weights = network.tile_weights(bags.select([row])).double().numpy()
    assert top.n_tiles == len(top.rows) == 6
    np.testing.assert_allclose(top.relative_weights, 6 * np.sort(weights)[::-1], rtol=1e-9)
    assert top.rows == tuple(np.argsort(-weights))
    assert np.mean(top.relative_weights) == pytest.approx(1, abs=1e-6)


def test_at_most_eight_tiles_are_shown_and_of_equal_ones_the_first():
    bags = make_study(Task.SURVIVAL).bags
    same = {source: tiles[:1].repeat(12, 1) for source, tiles in bags.levels.items()}
    one = replace(bags, case_ids=("x",), offsets=torch.tensor([0, 12]), levels=same)
    top = top_tiles(abmil(10, source=("ann", "high")), one, row=0)
    assert top.rows == tuple(range(N_TILES))
    assert top.relative_weights == pytest.approx([1.0] * N_TILES, abs=1e-5)


@pytest.mark.parametrize("family", BaselineFamily)
def test_an_arm_says_whether_it_attends_to_tiles(tmp_path, family):
    result = fit_baseline(
        family,
        teacher=TEACHERS[0],
        study=make_study(Task.CLASSIFICATION),
        config=QUICK.model_copy(update={"max_epochs": 1}),
        execution=Execution(),
        progress=Quiet,
    )
    (network, *_) = stored(result, tmp_path).networks
    expected = {
        BaselineFamily.MEAN_POOL: "takes the mean of a case's tiles",
        BaselineFamily.TRANS_MIL: "no tile has a weight of its own",
    }
    why = without_attention(network)
    assert (expected[family] in why) if family in expected else why is None
    assert without_attention(LogitProd([network])) == why


@pytest.mark.parametrize(("arm", "form"), [(StudentArm.V1, Form.SLIDE), (StudentArm.V2, Form.TILE)])
def test_a_student_on_mean_tiles_has_no_attention_over_them(tmp_path, arm, form):
    result = fit_student(
        arm,
        study=make_study(Task.CLASSIFICATION),
        config=QUICK.model_copy(update={"max_epochs": 1}),
        student=StudentConfig(dim=8, n_blocks=1, form=form, v1=StudentV1Config(dim=8, n_blocks=1)),
        teachers=make_teachers(),
        execution=Execution(),
        progress=Quiet,
    )
    ensemble = stored(result, tmp_path)
    assert without_tiles(ensemble, make_study(Task.CLASSIFICATION).bags) == (
        f"{arm} takes the mean of a case's tiles: it has no attention over them"
    )


@dataclass
class Cohort:
    """Three cases on four slides, features of them, and a network for each of two folds."""

    folder: Path
    root: Path
    slides: list[Slide]
    manifest: FeatureSetManifest
    ensemble: Ensemble
    splits: Splits

    def bags(self):
        return load_bags(
            self.manifest, workspace=Workspace(self.root), teachers=["mean_colour"], levels=["high"]
        )

    def source(self, slides_dir: Path | None) -> TileSource:
        return TileSource(self.manifest, self.slides, slides_dir, Workspace(self.root))

    def attended(self, slides_dir: Path | None) -> tuple[AttendedCase, ...]:
        source = self.source(slides_dir)
        return attended_cases(self.ensemble, self.bags(), splits=self.splits, source=source)


def case_of(slide: Slide) -> Slide:
    return replace(slide, case_id={"S1": "A", "S2": "A", "S3": "B", "S4": "C"}[slide.slide_id])


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    folder, root = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("ws")
    slides = [
        case_of(make_slide(folder, f"S{n}", rgb=tissue_picture(500, 600 + 60 * n, seed=n)))
        for n in range(1, 5)
    ]
    tiles = tiled(slides, folder, root)
    manifest = join_features(tiles, [extracted(tiles, folder, root, MeanColour())])
    members = tuple(
        Member(
            record=MemberRecord(
                fold=fold,
                seed=0,
                n_outputs=1,
                n_train_cases=1,
                stopping=Stopping.FIXED_EPOCHS,
                n_epochs=1,
                n_steps=1,
                kept_epoch=1,
            ),
            tensors=abmil(seed=fold).state_dict(),
            validation_risks=torch.tensor([-1.0, 1.0]),
        )
        for fold in (0, 1)
    )
    spec = AbmilSpec(teacher="mean_colour", level="high", dim_in=3, dim=8)
    result = ArmResult("abmil.mean_colour", None, members, spec, Head.LINEAR_RISK, ())
    ensemble = stored(result, tmp_path_factory.mktemp("arm"), teachers=manifest.teachers)
    splits = Splits(
        folds=(
            Fold(train=("C",), validation=("B",), test=("A",)),
            Fold(train=("A",), validation=(), test=("B", "C")),
        ),
        sites_preserved=False,
    )
    return Cohort(folder, root, slides, manifest, ensemble, splits)


@pytest.fixture(scope="module")
def found(cohort) -> tuple[AttendedCase, ...]:
    return cohort.attended(cohort.folder)


def test_a_tile_is_told_by_its_slide_and_its_place_on_it(cohort, found):
    grids = {
        entry.slide_id: read_grid(cohort.root / "tiles" / entry.tiles_key / f"{entry.slide_id}.h5")
        for entry in cohort.manifest.slides()
    }
    assert sorted(case.case_id for case in found) == ["A", "B", "C"]
    for case in found:
        for tile in case.tiles:
            grid = grids[tile.slide_id]
            assert [tile.x_level0_px, tile.y_level0_px] == grid.coords_level0[tile.row].tolist()
            assert tile.side_level0_px == grid.spec.tile_px_level0
        assert [tile.rank for tile in case.tiles] == list(range(1, len(case.tiles) + 1))


def test_a_case_is_asked_of_the_member_that_never_saw_it(cohort, found):
    bags = cohort.bags()
    for case in found:
        assert case.case_id in cohort.splits.folds[case.fold].test
        with torch.inference_mode():
            own = abmil(seed=case.fold).tile_weights(
                bags.select([bags.case_ids.index(case.case_id)])
            )
        expected = own.sort(descending=True).values[:N_TILES] * len(own)
        weights = [tile.relative_weight for tile in case.tiles]
        np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_rows_of_a_bag_run_through_the_slides_of_the_case(cohort):
    n_first = next(e.n_tiles for e in cohort.manifest.slides() if e.slide_id == "S1")
    place = {"workspace": Workspace(cohort.root), "case_id": "A"}
    tiles = locate_tiles(cohort.manifest, rows=[n_first, 0, n_first - 1], **place)
    assert [(tile.slide_id, tile.row) for tile in tiles] == [
        ("S2", 0),
        ("S1", 0),
        ("S1", n_first - 1),
    ]
    for case_id, row in (("A", 10_000), ("nobody", 0)):
        with pytest.raises(ArtifactError, match="fewer tiles than the model saw"):
            locate_tiles(
                cohort.manifest, rows=[row], workspace=Workspace(cohort.root), case_id=case_id
            )


def test_every_slide_with_a_tile_has_a_picture(cohort, found):
    for case in found:
        on = {tile.slide_id for tile in case.tiles}
        assert {slide.slide_id for slide in case.slides} == on
        for slide in case.slides:
            Workspace(cohort.root).open(slide.picture.uri, slide.picture.sha256)


def test_it_does_not_matter_where_the_slides_lie(cohort, found, tmp_path):
    shutil.copytree(cohort.folder, tmp_path / "moved")
    shutil.copytree(cohort.root, tmp_path / "ws")
    shutil.rmtree(tmp_path / "ws" / "attention")
    other = replace(cohort, root=tmp_path / "ws")
    assert other.attended(tmp_path / "moved") == found


def test_slides_that_are_gone_are_told_and_stop_nothing(cohort, found, tmp_path):
    shutil.copytree(cohort.root, tmp_path / "ws")
    shutil.rmtree(tmp_path / "ws" / "attention")
    (tmp_path / "empty").mkdir()
    without = replace(cohort, root=tmp_path / "ws").attended(tmp_path / "empty")
    assert [case.tiles for case in without] == [case.tiles for case in found]
    told = {(slide.picture, slide.without_picture) for case in without for slide in case.slides}
    assert told == {(None, "the file is gone since it was ingested; put it back")}


def test_without_a_slide_folder_there_are_tiles_alone(cohort, found):
    without = cohort.attended(None)
    assert [case.tiles for case in without] == [case.tiles for case in found]
    assert {case.slides for case in without} == {()}


def test_single_tiles_as_cases_have_nothing_to_weigh(cohort):
    tiles = load_bags(
        cohort.manifest,
        workspace=Workspace(cohort.root),
        teachers=["mean_colour"],
        levels=["high"],
        reading=Reading(unit=Unit.TILE),
    )
    assert without_tiles(cohort.ensemble, cohort.bags()) is None
    assert "reads a single tile of each case" in (without_tiles(cohort.ensemble, tiles) or "")
