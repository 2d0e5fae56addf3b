"""Real H&E tiles, built into slides, through `shazam run` for classification."""

import json
from pathlib import Path

import pytest

from shazam.stages import SOURCE_ROOT
from tests.command import settings, shazam
from tests.real_data import lung_cases, shared_data, write_mosaic, write_table

pytestmark = [pytest.mark.integration]

N_PER_CLASS = 30


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lung")
    rows = []
    tiles_dir = shared_data() / "tiles_lc25000_lung"
    for label, cases in lung_cases(tiles_dir, n_per_class=N_PER_CLASS).items():
        for number, tiles in enumerate(cases):
            name = f"{label}-{number:03d}"
            write_mosaic(folder / "slides" / f"{name}.tiff", tiles)
            rows.append(
                {"case_id": name, "slide_id": name, "slide_path": f"{name}.tiff", "label": label}
            )
    write_table(folder / "cohort.csv", rows)
    return folder


def test_encoders_beat_colour_statistics_on_lung_tissue(cohort, capsys):
    config = SOURCE_ROOT / "configs" / "classification.yaml"
    overrides = settings(
        [
            "cohort.name=lung",
            f"cohort.table={cohort / 'cohort.csv'}",
            f"cohort.slides_dir={cohort / 'slides'}",
            "splits.n_folds=3",
            "arms.canary_permutations=10",
            "arms.canary_candidate_permutations=2",
        ]
    )
    outcome = shazam("run", "-c", config, "--workspace", cohort / "workspace", *overrides)
    with capsys.disabled():
        print("\n" + outcome.out)
    assert outcome.code in (0, 5), outcome.text
    metrics = json.loads((Path(outcome.last_line).parent / "metrics.json").read_bytes())
    accuracy = {
        arm["arm"]: next(m["value"] for m in arm["metrics"] if m["name"] == "balanced_accuracy")
        for arm in metrics["arms"]
    }
    colour = accuracy["mean_pool.colour_statistics"]
    assert colour > 1 / 3
    assert accuracy["mean_pool.efficientnet_lite0"] >= colour
    assert accuracy["fusion_student_v2"] > 0.8
