"""Weights of the classes in the cross entropy, from training cases only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shazam.config.training import ClassWeights


def class_weights(
    labels: npt.NDArray[np.int64], *, n_classes: int, kind: ClassWeights
) -> npt.NDArray[np.float64]:
    """Return the weight of each class, with mean 1 over the training cases.

    Balanced weights are ``n / (n_classes * n_c)``; a class without cases has the weight 0.

    Args:
        labels: int64 ``[n]``, of the training cases only.
        n_classes: number of classes.
        kind: of the weights.
    """
    match kind:
        case ClassWeights.NONE:
            return np.ones(n_classes)
        case ClassWeights.BALANCED:
            counts = np.bincount(labels, minlength=n_classes).astype(np.float64)
            share = len(labels) / (n_classes * np.maximum(counts, 1.0))
            return np.where(counts > 0, share, 0.0)
