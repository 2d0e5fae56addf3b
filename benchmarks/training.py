"""Training against the published way: an epoch of the slide student, and many small fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from benchmarks.bench import timed
from benchmarks.published_training import PlainStudent, train_as_published
from benchmarks.rows import Bound, Row
from benchmarks.training_data import (
    N_SLIDES,
    bags_of,
    make_features,
    plain_files,
    shape_of,
    small_study,
)
from shazam.config.arms import BaselineFamily
from shazam.config.extraction import Precision
from shazam.config.training import TrainingConfig
from shazam.models.student import FusionStudent
from shazam.progress import silent
from shazam.training.arms import fit_baseline
from shazam.training.batches import Batch, Feed
from shazam.training.bins import TimeBins
from shazam.training.descent import Descent
from shazam.training.execution import Execution
from shazam.training.fit import fit
from shazam.training.published_distillation import OwnVectors
from shazam.training.targets import SurvivalTarget

_WEIGHT = 0.01
_N_THREADS = 2
_N_ROUNDS = 5
_PUBLISHED = "float32 .pt tuples, one slide at a time"


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch took: seconds, bytes that were read, MiB above the start, slides' losses."""

    seconds: float
    read_bytes: int
    peak_mib: float
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Epochs of both ways, (published, ours), in turns: a machine's speed changes with time."""

    rounds: tuple[tuple[Epoch, Epoch], ...]

    def ratio(self, of: Callable[[Epoch], float]) -> float:
        """Return the median over the rounds of ours by theirs."""
        return median(of(ours) / of(theirs) for theirs, ours in self.rounds)

    def medians(self, of: Callable[[Epoch], float], *, unit: str) -> dict[str, float]:
        """Return both ways' medians by name."""
        return {
            f"published_{unit}": median(of(theirs) for theirs, _ in self.rounds),
            f"ours_{unit}": median(of(ours) for _, ours in self.rounds),
        }

    def speed(self, name: str, target: float) -> Row:
        """Return the row of seconds."""
        speed = 1.0 / self.ratio(lambda epoch: epoch.seconds)
        seconds = self.medians(lambda epoch: epoch.seconds, unit="s")
        return Row(name, _PUBLISHED, speed, Bound.AT_LEAST, target, seconds)


def measure(folder: Path, *, only: str | None) -> Iterator[Row]:
    """Measure every row whose name holds ``only``, and give each as it comes."""
    wanted = {name: row for name, row in _ROWS.items() if only is None or only in name}
    if any(row is not many_fits for row in wanted.values()):
        Console(stderr=True).print("writing the features of 24 slides in both forms")
        make_features(folder)
    for name, row in wanted.items():
        Console(stderr=True).print(f"measuring: {name}")
        yield from row(folder)


def whole_epoch(folder: Path) -> Iterator[Row]:
    """All tiles in float32: seconds, loss curve, bytes and memory."""
    pair = _compared(folder, precision=Precision.FLOAT32, tiles=None)
    apart = max(
        float(np.abs(np.subtract(ours.losses, theirs.losses)).max()) for theirs, ours in pair.rounds
    )
    yield pair.speed("student epoch, all tiles, fp32", 1.2)
    yield Row("loss curve, fp32", _PUBLISHED, apart, Bound.AT_MOST, 1e-4)
    yield Row(
        "bytes read in an epoch",
        _PUBLISHED,
        pair.ratio(lambda epoch: epoch.read_bytes),
        Bound.AT_MOST,
        0.55,
        pair.medians(lambda epoch: epoch.read_bytes / 2**20, unit="mib"),
    )
    yield Row(
        "peak memory of an epoch",
        _PUBLISHED,
        pair.ratio(lambda epoch: epoch.peak_mib),
        Bound.AT_MOST,
        0.6,
        pair.medians(lambda epoch: epoch.peak_mib, unit="mib"),
    )


def half_epoch(folder: Path) -> Iterator[Row]:
    """All tiles with bfloat16 autocast, against float32 as published."""
    pair = _compared(folder, precision=Precision.BFLOAT16, tiles=None, n_rounds=1)
    yield pair.speed("student epoch, all tiles, bf16", 2.0)
    theirs, ours = pair.rounds[0]
    apart = abs(np.mean(ours.losses[-5:]) - np.mean(theirs.losses[-5:]))
    yield Row("final loss, bf16", _PUBLISHED, float(apart), Bound.AT_MOST, 1e-2)


def sampled_epoch(folder: Path) -> Iterator[Row]:
    """512 tiles drawn for each case."""
    pair = _compared(folder, precision=Precision.FLOAT32, tiles=512)
    yield pair.speed("student epoch, 512 tiles a case", 4.0)


def many_fits(folder: Path) -> Iterator[Row]:
    """25 fits of ABMIL on bags of 500 tiles, side by side."""
    study, config = small_study()

    def run(name: str, n_workers: int) -> float:
        execution = Execution(checkpoints=folder / name, n_workers=n_workers)
        return timed(
            lambda: fit_baseline(
                BaselineFamily.ABMIL,
                teacher="one",
                study=study,
                config=config,
                execution=execution,
                progress=silent,
            )
        )

    alone_s, together_s = run("alone", 1), run("together", 2)
    yield Row(
        "25 ABMIL fits, 2 processes",
        "one after another in one process",
        alone_s / together_s,
        Bound.AT_LEAST,
        1.6,
        {"alone_s": alone_s, "together_s": together_s},
    )


_ROWS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "training, whole epoch": whole_epoch,
    "training, half precision": half_epoch,
    "training, sampled": sampled_epoch,
    "training, many fits": many_fits,
}


def _compared(
    folder: Path, *, precision: Precision, tiles: int | None, n_rounds: int = _N_ROUNDS
) -> Pair:
    theirs = partial(_published_epoch, folder, bfloat16=False)
    ours = partial(_our_epoch, folder, precision=precision, tiles=tiles)
    return Pair(tuple((_alone(theirs), _alone(ours)) for _ in range(n_rounds)))


def _our_epoch(folder: Path, *, precision: Precision, tiles: int | None) -> Epoch:
    bags = bags_of(folder)
    student, order, target = _start()
    objective = _Objective(student, target)
    config = _config(precision=precision, tiles_per_case=tiles)
    _warm(folder / "features")
    return _measured(
        lambda: fit(
            objective,
            feed=Feed(bags=bags, tiles_per_case=tiles, tile_budget=config.tile_budget),
            train=order,
            validation=order[:1],
            config=config,
        ),
        losses=objective.losses,
    )


def _published_epoch(folder: Path, *, bfloat16: bool) -> Epoch:
    student, order, target = _start()
    plain = PlainStudent(student)
    torch.manual_seed(1)
    descent = Descent(plain, nn.Identity(), n_steps=N_SLIDES, config=_config())
    drawn = order[torch.randperm(len(order))]  # as the fit loop draws it

    def step(loss: Tensor) -> None:
        descent.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()

    def loss_of(logits: Tensor, position: int) -> Tensor:
        return target.loss(logits.float(), rows=drawn[position : position + 1])

    _warm(folder / "published")
    losses: list[float] = []
    return _measured(
        lambda: losses.extend(
            train_as_published(
                plain,
                [plain_files(folder, int(row)) for row in drawn],
                loss_of=loss_of,
                step=step,
                distillation_weight=_WEIGHT,
                bfloat16=bfloat16,
            )
        ),
        losses=losses,
    )


class _Objective:
    def __init__(self, student: FusionStudent, target: SurvivalTarget) -> None:
        self.network, self.target = student, target
        self.helpers = OwnVectors()
        self.losses: list[float] = []

    is_mean_over_cases = True

    def training_loss(self, batch: Batch) -> Tensor:
        output = self.network.encode(batch.bags)
        distilled = self.helpers.loss(output, rows=batch.rows)
        loss: Tensor = self.target.loss(output.logits, rows=batch.rows) + _WEIGHT * distilled
        self.losses.append(loss.item())
        return loss


def _start() -> tuple[FusionStudent, Tensor, SurvivalTarget]:
    torch.set_num_threads(_N_THREADS)
    torch.optim.AdamW([nn.Parameter(torch.zeros(1))])  # the first one imports for seconds
    torch.manual_seed(0)
    student = FusionStudent(shape_of(), n_outputs=4)
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    target = SurvivalTarget(
        intervals=torch.arange(N_SLIDES) % 4,
        events=torch.arange(N_SLIDES) % 3 > 0,
        bins=TimeBins((1.0, 2.0, 3.0), 4.0),
        uncensored_weight=0.4,
    )
    torch.manual_seed(1)
    return student, torch.arange(N_SLIDES), target


def _config(
    *, precision: Precision = Precision.FLOAT32, tiles_per_case: int | None = None
) -> TrainingConfig:
    return TrainingConfig(
        max_epochs=1,
        batch_cases=1,
        min_validation_events=1000,
        precision=precision,
        tiles_per_case=tiles_per_case,
        device="cpu",
    )


def _alone(work: Callable[[], Epoch]) -> Epoch:
    """Run in a new process, so that memory is that of this work."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work).result()


def _measured(work: Callable[[], object], *, losses: list[float]) -> Epoch:
    Path("/proc/self/clear_refs").write_text("5")
    before_mib, read_before = _status_mib("VmRSS"), _read_bytes()
    start = time.perf_counter()
    work()
    return Epoch(
        seconds=time.perf_counter() - start,
        read_bytes=_read_bytes() - read_before,
        peak_mib=_status_mib("VmHWM") - before_mib,
        losses=tuple(losses),
    )


def _status_mib(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status: lacks {name}")


def _read_bytes() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/io: lacks rchar")


def _warm(folder: Path) -> None:
    """Read all files once: what is measured is an epoch after the first.

    Disks of rented machines slow down after some gigabytes, whoever reads them.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass
