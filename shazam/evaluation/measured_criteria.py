"""The criteria of a measurement: those by which the release was judged when it was made."""

from __future__ import annotations

from shazam.config.acceptance import AcceptanceConfig, ChampionKind
from shazam.config.evaluation import EvaluationConfig
from shazam.config.section import Fraction
from shazam.config.tree import Config
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.evaluation.registered import JudgedBy
from shazam.manifests import Entry


class LockedCriteria(Entry):
    """What is asked of a release on a locked cohort.

    ``max_unscored_fraction`` is the share of the locked cases that may lack features.
    """

    acceptance: AcceptanceConfig
    evaluation: EvaluationConfig
    max_unscored_fraction: Fraction

    @classmethod
    def of(cls, config: Config) -> LockedCriteria:
        """Return what a config asks."""
        return cls(
            acceptance=config.acceptance,
            evaluation=config.evaluation,
            max_unscored_fraction=config.max_quarantine_fraction,
        )

    @property
    def acceptance_sha256(self) -> str:
        """Digest of the acceptance section."""
        return digest_of(self.acceptance)

    @property
    def evaluation_sha256(self) -> str:
        """Digest of the section on evaluation."""
        return digest_of(self.evaluation)

    @property
    def champion(self) -> str | None:
        """The bundle that the release must be compared to on the locked cohort, if any."""
        rule = self.acceptance.champion
        return rule.bundle if rule is not None and rule.kind is ChampionKind.LOCKED else None


def checked_criteria(
    asked: LockedCriteria, *, judged_by: JudgedBy, champion: str | None
) -> LockedCriteria:
    """Return what is asked, with the lesser of both shares that may lack features.

    Args:
        asked: by the config of the measurement.
        judged_by: what the release was judged by in its own run.
        champion: SHA-256 of the bundle that it is compared to; None compares to nothing.

    Raises:
        ConfigError: the release was judged by other criteria, or these name another champion.
    """
    compared = (
        ("section 'acceptance'", judged_by.acceptance_sha256, asked.acceptance_sha256),
        ("section 'evaluation'", judged_by.evaluation_sha256, asked.evaluation_sha256),
    )
    if changed := [
        f"{what}: {then} then, {now} now" for what, then, now in compared if then != now
    ]:
        raise ConfigError(
            f"the release was judged by other criteria than are asked now ({'; '.join(changed)}); "
            "give those of the config.json in its bundle, as a release is measured by the criteria "
            "that it was made for"
        )
    if asked.champion not in (None, champion):
        raise ConfigError(
            f"acceptance.champion is the bundle {asked.champion}, and the release would be "
            f"compared to {champion or 'none'}; give --champion {asked.champion}, or leave it out"
        )
    most = min(asked.max_unscored_fraction, judged_by.max_quarantine_fraction)
    return asked.model_copy(update={"max_unscored_fraction": most})
