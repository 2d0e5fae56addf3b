"""The pipeline that a schedule starts: one step, which trains only where something is new."""

from __future__ import annotations

from zenml import pipeline

from steps.retrain import retrain


@pipeline(name="retraining", enable_cache=False)
def retraining(config: str, overrides: list[str]) -> None:
    """Retrain a model if enough is new.

    Args:
        config: path of the YAML file, as pods see it.
        overrides: ``a.b=value`` texts.
    """
    retrain(config, overrides)
