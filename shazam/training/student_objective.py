"""What a student is fitted to: its task, its teachers, and features that do not repeat."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from shazam.models.cross_attention import CrossAttentionStudent
from shazam.models.student import FusionStudent
from shazam.training.batches import Batch
from shazam.training.decorrelation import decorrelation_of
from shazam.training.distillation import CorrectedDistillation
from shazam.training.published_distillation import MappedFeatures, OwnVectors
from shazam.training.targets import Target


@dataclass(frozen=True, slots=True)
class StudentObjective:
    """``task + distillation_weight * distillation + decorrelation_weight * decorrelation``."""

    network: FusionStudent | CrossAttentionStudent
    target: Target
    helpers: CorrectedDistillation | OwnVectors | MappedFeatures
    distillation_weight: float
    decorrelation_weight: float

    @property
    def is_mean_over_cases(self) -> bool:
        """Whether a step may be computed in parts; correlations are between all its cases."""
        return self.target.is_mean_over_cases and self.decorrelation_weight == 0.0

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss that is minimised; a part with weight 0 is not computed."""
        output = self.network.encode(batch.bags)
        loss = self.target.loss(output.logits, rows=batch.rows)
        if self.distillation_weight > 0.0:
            loss = loss + self.distillation_weight * self.helpers.loss(output, rows=batch.rows)
        if self.decorrelation_weight > 0.0:
            loss = loss + self.decorrelation_weight * decorrelation_of(output)
        return loss
