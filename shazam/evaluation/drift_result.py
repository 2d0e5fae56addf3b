"""What a comparison of two cohorts found, as JSON."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt

from shazam.config.cohort import ClinicalKind
from shazam.config.drift import DriftConfig, Severity
from shazam.manifests import Entry, Sha256

_SHOWN = 6


class KsTest(Entry):
    """Two-sample Kolmogorov-Smirnov test; ``p_holm`` adjusts for all such tests of the comparison.

    ``statistic`` is the greatest distance of the two empirical distribution functions.
    """

    name: str
    n_reference: NonNegativeInt
    n_new: NonNegativeInt
    statistic: float = Field(ge=0, le=1)
    p_value: float = Field(ge=0, le=1)
    p_holm: float = Field(ge=0, le=1)


class LevelShare(Entry):
    """A level of a column (a bin, a category, what is missing) and its share in both cohorts."""

    level: str
    reference: float = Field(ge=0, le=1)
    new: float = Field(ge=0, le=1)


class ColumnDrift(Entry):
    """A clinical column in both cohorts; ``psi`` is None where it was not judged.

    ``unseen`` are levels of the new cohort that the reference does not have.
    """

    column: str
    kind: ClinicalKind | None = None
    n_reference: NonNegativeInt
    n_new: NonNegativeInt
    missing_reference: float = Field(default=0.0, ge=0, le=1)
    missing_new: float = Field(default=0.0, ge=0, le=1)
    levels: tuple[LevelShare, ...] = ()
    unseen: tuple[str, ...] = ()
    psi: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    ks: KsTest | None = None
    exceeded: bool = False
    remark: str | None = None

    @property
    def told(self) -> str:
        """The column with its numbers, in a few words."""
        return f"column {self.column} (PSI {_number(self.psi)}, p {_number(self.p_holm)})"


class TeacherDrift(Entry):
    """The mean features of one teacher in both cohorts; ``ratio`` is None where not judged.

    Args:
        n_features: width of the features; ``n_constant`` of them do not vary in the reference.
        n_coordinates: of the space in which they are compared.
        n_reference, n_new: cases that the teacher has seen.
        n_filled: cases of both with missing values, filled in by the reference's mean.
        n_compared: cases in each part that a distance is of.
        distance: squared Frechet distance between parts of the two cohorts, averaged.
        within: the same between parts of the reference.
        components: tests on the leading coordinates.
    """

    teacher: str
    n_features: NonNegativeInt = 0
    n_constant: NonNegativeInt = 0
    n_coordinates: NonNegativeInt = 0
    n_reference: NonNegativeInt
    n_new: NonNegativeInt
    n_filled: NonNegativeInt = 0
    n_compared: NonNegativeInt = 0
    distance: float | None = None
    within: float | None = None
    ratio: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    components: tuple[KsTest, ...] = ()
    exceeded: bool = False
    remark: str | None = None

    @property
    def told(self) -> str:
        """The teacher with its numbers, in a few words."""
        return f"features of {self.teacher} (ratio {_number(self.ratio)}, p {_number(self.p_holm)})"


class Drift(Entry):
    """A new cohort against a reference; ``n_new`` is without the ``n_shared`` cases of both."""

    config: DriftConfig
    reference_sha256: str = Sha256
    new_sha256: str = Sha256
    n_reference: NonNegativeInt
    n_new: NonNegativeInt
    n_shared: NonNegativeInt
    columns: tuple[ColumnDrift, ...]
    teachers: tuple[TeacherDrift, ...]

    @property
    def exceeded(self) -> tuple[str, ...]:
        """What is beyond its bound, with its numbers."""
        teachers = (one.told for one in self.teachers if one.exceeded)
        return (*teachers, *(one.told for one in self.columns if one.exceeded))

    @property
    def not_judged(self) -> tuple[str, ...]:
        """What could not be judged, and why."""
        teachers = (f"features of {t.teacher}: {t.remark}" for t in self.teachers if not _known(t))
        columns = (f"column {c.column}: {c.remark}" for c in self.columns if c.psi is None)
        return (*teachers, *columns)

    def ks_tests(self) -> tuple[tuple[str, KsTest], ...]:
        """Return all Kolmogorov-Smirnov tests, each with the name of what it is of."""
        teachers = ((one.teacher, test) for one in self.teachers for test in one.components)
        columns = (("clinical columns", one.ks) for one in self.columns if one.ks is not None)
        return (*teachers, *columns)

    @property
    def refused(self) -> bool:
        """Whether it fails a verdict: it is critical and exceeded, or a teacher is not judged."""
        judged = bool(self.teachers) and all(map(_known, self.teachers))
        return self.config.severity is Severity.CRITICAL and (bool(self.exceeded) or not judged)

    def sentence(self) -> str:
        """Return what was compared and what was found."""
        left_out = f" ({self.n_shared} that stand in both left out)" if self.n_shared else ""
        text = (
            f"{self.n_new} new cases{left_out} against {self.n_reference} of the reference "
            f"{self.reference_sha256[:12]}: {len(self.teachers)} teacher(s), "
            f"{len(self.columns)} clinical column(s). "
        )
        text += f"Drifted: {_listed(self.exceeded)}." if self.exceeded else "No drift was found."
        if self.not_judged:
            text += f" Not judged: {_listed(self.not_judged)}."
        return text


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def _known(found: TeacherDrift) -> bool:
    return found.ratio is not None


def _listed(names: tuple[str, ...]) -> str:
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "; ".join(names[:_SHOWN]) + more
