"""Names and numbers as the report's readers know them."""

from __future__ import annotations

_METRICS = {
    "harrell_c": "Harrell's C",
    "uno_c": "Uno's C",
    "balanced_accuracy": "balanced accuracy",
    "macro_auroc": "macro AUROC",
    "weighted_f1": "weighted F1",
    "mean_pearson": "mean Pearson correlation",
    "mean_relative_mse": "mean squared error / variance",
}

_OF_TARGET = {"pearson_": "Pearson correlation", "mse_": "mean squared error"}

_GATES = {
    "floor": "Better than guessing",
    "non_inferiority": "Not worse than the arm it is compared to",
    "superiority": "Better than the arm it is compared to",
    "min_events": "Enough cases to judge by",
    "canary": "Noise teaches nothing",
    "canary_candidate": "Noise teaches the candidate nothing",
    "no_leak": "Training and test kept apart",
    "sound_predictions": "Sound predictions",
    "licences": "Licences of the teachers",
    "site_probe": "The site is no shortcut",
    "calibration_slope": "Calibration at the horizon: spread",
    "calibration_in_the_large": "Calibration at the horizon: level",
    "d_calibration": "Calibration over all times",
    "calibration_error": "Calibration of probabilities",
    "champion": "Compared to the model in use",
    "drift": "A cohort like the reference",
}

_REASONS = {
    "no_case": "belongs to no case of the table",
    "no_features": "has no features",
    "unreadable": "cannot be opened or decoded",
    "empty": "the file is empty",
    "wrong_extension": "a plain image under the name of a slide format",
    "not_a_whole_slide": "a DICOM object that is no whole-slide image",
    "image_too_large": "too large to be held in memory",
    "unsupported_pixels": "a plain image whose pixels are not 8-bit colours",
    "no_resolution": "says no micrometres per pixel",
    "implausible_resolution": "micrometres per pixel outside what a scanner can produce",
    "not_brightfield": "not a bright-field scan",
    "no_tissue": "no tissue found",
    "too_coarse": "scanned too coarsely for the tiles that were asked for",
    "changed_during_run": "changed after it was read in",
    "decoder_crashed": "the process that decoded it died",
    "bad_features": "a teacher gave unusable features",
    "unknown_layout": "not clear which of its arrays is meant",
    "unsafe_file": "would run code, or reach for other files, when opened",
}


def metric_label(name: str) -> str:
    """Return a metric's name as readers know it."""
    for prefix, words in _OF_TARGET.items():
        if name.startswith(prefix):
            return f"{words} of {name.removeprefix(prefix)}"
    return _METRICS.get(name, name)


def gate_label(name: str) -> str:
    """Return what a gate asks, in a few words."""
    if name.startswith("subgroup_"):
        return f"Good enough in every subgroup by {name.removeprefix('subgroup_')}"
    return _GATES.get(name, name)


def reason_label(reason: str) -> str:
    """Return a quarantine reason in words."""
    return _REASONS.get(reason, reason)


def number(value: float | None) -> str:
    """Return a number with three decimals; whole numbers without."""
    if value is None:
        return "\N{EN DASH}"
    text = f"{value:.0f}" if value == int(value) else f"{value:.3f}"
    return text.replace("-", "\N{MINUS SIGN}")


def score(value: float | None) -> str:
    """Return a metric with three decimals."""
    return "\N{EN DASH}" if value is None else f"{value:.3f}"


def signed(value: float) -> str:
    """Return a difference with its sign."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def p_value(value: float | None) -> str:
    """Return a p-value with three decimals, or that it is smaller."""
    if value is None:
        return "\N{EN DASH}"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
