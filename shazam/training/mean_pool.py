"""The mean-pool arm: mean of the tiles, PCA, and a ridge Cox or logistic model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.models.heads import Head
from shazam.models.specs import MeanPoolSpec
from shazam.progress import MakeProgress
from shazam.training.execution import Execution
from shazam.training.study import Study
from shazam.training.units import Arm, Fitted, Unit, fit_units

LEVEL = "high"
_MAX_ITERATIONS = 1000

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
        outcomes, ridge = self.study.outcomes, self.config.ridge
        match outcomes.task:
            case Task.SURVIVAL:
                time_months, event = outcomes.survival()
                weight, bias = _cox(scores, time_months[rows], event[rows], ridge=ridge)
            case Task.CLASSIFICATION:
                weight, bias = _logistic(scores, outcomes.class_labels()[rows], ridge=ridge)
        return _folded(self.spec, projection, centre=centre, weight=weight, bias=bias)


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
    head = Head.LINEAR_RISK if study.outcomes.task is Task.SURVIVAL else Head.CLASSES
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


def _cox(
    scores: FloatArray,
    time_months: FloatArray,
    event: npt.NDArray[np.bool_],
    *,
    ridge: float,
) -> tuple[FloatArray, FloatArray]:
    model = CoxPHSurvivalAnalysis(alpha=ridge)
    model.fit(scores, Surv.from_arrays(event=event, time=time_months))
    return model.coef_[None, :], np.zeros(1)


def _logistic(
    scores: FloatArray, labels: npt.NDArray[np.int64], *, ridge: float
) -> tuple[FloatArray, FloatArray]:
    model = LogisticRegression(C=1.0 / ridge, max_iter=_MAX_ITERATIONS).fit(scores, labels)
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    # two classes have one logit; half of it with either sign gives the same probabilities
    half = np.array([-0.5, 0.5])
    return half[:, None] * model.coef_, half * model.intercept_


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
