"""The two-sample Kolmogorov-Smirnov test, adjusted for the number of tests."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import ks_2samp

from shazam.evaluation.bootstrap import holm
from shazam.evaluation.drift_result import ColumnDrift, KsTest, TeacherDrift
from shazam.evaluation.pairs import Array

_MOST_EXACT = 500


def ks_test(name: str, reference: Array, new: Array) -> KsTest:
    """Test whether two samples come from one distribution; ``p_holm`` is not adjusted yet.

    Args:
        name: of what is tested.
        reference: float64 ``[n]``, finite.
        new: float64 ``[n_new]``, finite.
    """
    method = "exact" if max(len(reference), len(new)) <= _MOST_EXACT else "asymp"
    found = ks_2samp(reference, new, method=method)
    statistic, p_value = (min(max(float(value), 0.0), 1.0) for value in found[:2])
    return KsTest(
        name=name,
        n_reference=len(reference),
        n_new=len(new),
        statistic=statistic,
        p_value=p_value,
        p_holm=p_value,
    )


def adjusted_tests(
    columns: Sequence[ColumnDrift], teachers: Sequence[TeacherDrift]
) -> tuple[tuple[ColumnDrift, ...], tuple[TeacherDrift, ...]]:
    """Return columns and teachers with all their tests adjusted together by Holm's method."""
    of_columns = [column.ks for column in columns if column.ks is not None]
    tests = [*of_columns, *(test for teacher in teachers for test in teacher.components)]
    p_holm = iter(holm([test.p_value for test in tests]))
    return (
        tuple(
            column
            if column.ks is None
            else column.model_copy(update={"ks": _with(column.ks, next(p_holm))})
            for column in columns
        ),
        tuple(
            teacher.model_copy(
                update={"components": tuple(_with(one, next(p_holm)) for one in teacher.components)}
            )
            for teacher in teachers
        ),
    )


def _with(test: KsTest, p_holm: float) -> KsTest:
    return test.model_copy(update={"p_holm": p_holm})
