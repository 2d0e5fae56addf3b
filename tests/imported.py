"""A made cohort whose features are there already: configs/imported.yaml with the files it names."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np

from shazam.stages import SOURCE_ROOT
from tests.command import settings
from tests.real_data import write_table

CONFIG = SOURCE_ROOT / "configs" / "imported.yaml"
N_CASES = 32
CASES = [f"c{number:02d}" for number in range(N_CASES)]
QUICK = settings(
    [
        "training.max_epochs=2",
        "training.pca_components=2",
        "student.n_blocks=1",
        "student.dim=16",
        "splits.n_folds=2",
        "splits.time_limit_s=2",
        "arms.canary_permutations=10",
        "arms.canary_candidate_permutations=2",
        "evaluation.bootstrap=100",
        "acceptance.margin=0.99",
        "acceptance.min_events=1",
        "acceptance.canary_max_standard_errors=5",
    ]
)


def rows() -> list[dict[str, object]]:
    rng = np.random.default_rng(0)
    return [
        {
            "case_id": name,
            "site": f"h{number % 8}",
            "time_months": round(float(rng.exponential(20) + 1), 2),
            "event": number // 8 % 2,
        }
        for number, name in enumerate(CASES)
    ]


def counts(dim: int = 5) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N_CASES, dim)).astype(np.float32)


def make(folder: Path, table: list[dict[str, object]] | None = None) -> Path:
    """Write config, table, a folder of .h5 files and a .npz table; return the config.

    The features of ``uni_v2`` tell the time: ``mean_pool.uni_v2`` is better than guessing.
    """
    (folder / "uni_v2").mkdir(parents=True)
    rng = np.random.default_rng(2)
    log_time = np.log([float(str(row["time_months"])) for row in rows()])
    risk = (log_time.mean() - log_time) / log_time.std()
    for name, own in zip(CASES, risk, strict=True):
        with h5py.File(folder / "uni_v2" / f"{name}.h5", "w") as file:
            file["features"] = (own + 0.1 * rng.normal(size=(1, 4))).astype(np.float32)
    np.savez(folder / "counts.npz", counts=counts(), case_id=np.array(CASES))
    write_table(folder / "cohort.csv", table or rows())
    return Path(shutil.copy(CONFIG, folder / "imported.yaml"))
