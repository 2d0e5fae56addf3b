"""The mean-pool arm: mean of the tiles, PCA, and a ridge Cox, logistic or linear model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.models.specs import MeanPoolSpec
from shazam.progress import MakeProgress
from shazam.training.breslow import breslow
from shazam.training.execution import Execution
from shazam.training.linear import LINEAR_HEADS, fit_linear
from shazam.training.study import Study
from shazam.training.unit import Fitted, Unit
from shazam.training.units import Arm, fit_units

LEVEL = "high"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Projection:
    """An affine map to whitened principal components: ``(x - mean) @ basis``.

    Args:
        mean: float64 ``[dim]``.
        basis: float64 ``[dim, n_components]``, scaled so that training scores have variance 1.
    """

    mean: FloatArray
    basis: FloatArray

    def __call__(self, features: FloatArray) -> FloatArray:
        """Project ``[n, dim]`` to ``[n, n_components]``."""
        return (features - self.mean) @ self.basis


@dataclass(slots=True)
class _Fit:
    """Fits by fold; no seed enters, so all seeds of a fold share one fit."""

    spec: MeanPoolSpec
    study: Study
    config: TrainingConfig
    _fitted: dict[int, Fitted] = field(default_factory=dict)

    def fit(self, unit: Unit) -> Fitted:
        if unit.fold not in self._fitted:
            self._fitted[unit.fold] = self._solved(unit.train)
        return self._fitted[unit.fold]

    def _solved(self, rows: npt.NDArray[np.int64]) -> Fitted:
        (source,) = self.spec.sources()
        means = self.study.moments.case_means(source).numpy()[rows]
        centre = _known_mean(means)
        features = _completed(means - centre, impute=self.spec.impute)
        present = self.study.bags.present.get(source[0])
        if present is not None:
            features = features * present.numpy()[rows, None]
        projection = principal_components(features, n_components=self.config.pca_components)
        scores = projection(features)
        weight, bias = fit_linear(
            scores, outcomes=self.study.outcomes, rows=rows, config=self.config
        )
        fitted = _folded(self.spec, projection, centre=centre, weight=weight, bias=bias)
        if self.study.outcomes.task is not Task.SURVIVAL:
            return fitted
        time_months, event = self.study.outcomes.survival()
        risks = scores @ weight[0] + bias[0]
        baseline = breslow(risks, time_months=time_months[rows], event=event[rows])
        return replace(fitted, baseline=baseline)


def fit_mean_pool(
    name: str,
    *,
    teacher: str,
    study: Study,
    config: TrainingConfig,
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit the arm; arguments as of :func:`shazam.training.arms.fit_baseline`."""
    source = (teacher, LEVEL)
    own = study.only([source])
    spec = MeanPoolSpec(
        teacher=teacher, level=LEVEL, dim_in=own.bags.dims[source], impute=study.impute
    )
    head = LINEAR_HEADS[study.outcomes.task]
    fitting = _Fit(spec=spec, study=own, config=config)
    return fit_units(
        Arm(name=name, spec=spec, head=head, fit_unit=fitting.fit),
        study=own,
        config=config,
        execution=execution,
        progress=progress,
    )


def principal_components(features: FloatArray, *, n_components: int) -> Projection:
    """Return the whitening projection of standardised features.

    Fewer components come back when the rows do not span as many.

    Args:
        features: float64 ``[n, dim]``, training cases only.
        n_components: asked for.
    """
    mean = features.mean(axis=0)
    sd = features.std(axis=0)
    scale = np.where(sd > 1e-9, sd, np.inf)
    _, singular, directions = np.linalg.svd((features - mean) / scale, full_matrices=False)
    n_kept = min(n_components, int((singular > 1e-6 * max(singular[0], 1e-12)).sum()))
    score_sd = singular[:n_kept] / np.sqrt(len(features))
    return Projection(mean=mean, basis=directions[:n_kept].T / scale[:, None] / score_sd)


def _known_mean(means: FloatArray) -> FloatArray:
    known = ~np.isnan(means)
    total = np.where(known, means, 0.0).sum(axis=0)
    mean: FloatArray = total / np.maximum(known.sum(axis=0), 1)
    return mean


def _completed(centred: FloatArray, *, impute: bool) -> FloatArray:
    missing = np.isnan(centred)
    filled = np.where(missing, 0.0, centred)
    return np.hstack([filled, missing.astype(np.float64)]) if impute else filled


def _folded(
    spec: MeanPoolSpec,
    projection: Projection,
    *,
    centre: FloatArray,
    weight: FloatArray,
    bias: FloatArray,
) -> Fitted:
    folded = weight @ projection.basis.T
    network = spec.build(n_outputs=len(bias))
    network.load_state_dict(
        {
            "standardise.mean": torch.from_numpy(centre).float(),
            "standardise.sd": torch.ones(len(centre)),
            "linear.weight": torch.from_numpy(folded).float(),
            "linear.bias": torch.from_numpy(bias - folded @ projection.mean).float(),
        }
    )
    return Fitted(network=network.eval(), n_outputs=len(bias), report=None, bins=None)
