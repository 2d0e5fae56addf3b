"""What `shazam locked measure` does: name the bundles, run the pipeline, tell what was measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shazam.cli.occupy import occupy
from shazam.cohort.locked_uses import check_not_used
from shazam.config import Config, load_config
from shazam.config.measure import MeasureRequest
from shazam.errors import ConfigError, ExitCode
from shazam.evaluation.measured_criteria import LockedCriteria
from shazam.ids import is_valid_id
from shazam.promotion import ModelStore
from shazam.refs import SHA256_PATTERN
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the user asks for.

    Args:
        locked: name of the locked cohort.
        release: name of the release.
        who: who measures it.
        why: what for.
        model: the registered model that versions are of; None is that of the config's cohort.
        version: of the release, or an alias; None if its bundle is given.
        bundle: SHA-256 of the release's bundle; None if its version is given.
        champion: SHA-256 of a bundle, or a version or alias; None takes that of the acceptance
            section, if it is to be compared to on a locked cohort, else compares to nothing.
    """

    locked: str
    release: str
    who: str
    why: str
    model: str | None
    version: str | None
    bundle: str | None
    champion: str | None


def measure(
    asked: Measurement, *, config: Path, overrides: Sequence[str], workspace: Workspace
) -> ExitCode:
    """Measure a release on a locked cohort and print the result; its path is the last line.

    Returns:
        ``REFUSED`` where a gate failed; the result is published all the same.

    Raises:
        LeakError: a model was trained on a locked case, or the release was measured before.
        ConfigError: something that is asked cannot be, or the release was judged by other
            criteria; nothing was recorded.
        ShazamError: a step failed; says whether the use was recorded.
    """
    from shazam.cli.preflight import preflight_of_features
    from shazam.integrations.environment import prepare_environment

    if (asked.version is None) == (asked.bundle is None):
        raise ConfigError("give exactly one of --version and --bundle")
    loaded = load_config(config, overrides=overrides).config
    checked = preflight_of_features(loaded)
    with occupy(workspace):
        _check_not_used(asked.locked, asked.release, asked.bundle, workspace=workspace)
        prepare_environment(workspace)

        from shazam.integrations.measure import check_criteria
        from shazam.integrations.mlflow import MlflowModelStore

        store = MlflowModelStore.of(workspace)
        request = request_of(asked, config=loaded, store=store)
        _check_not_used(request.locked, request.release, request.bundle, workspace=workspace)
        check_criteria(request, asked=loaded.asked(), store=store, workspace=workspace)

        from shazam.cli.launch import launch_measuring
        from shazam.cli.measured import print_measured

        _, measured = launch_measuring(
            loaded,
            source_digest=checked.source_digest,
            identities=checked.identities,
            request=request,
        )
        print_measured(measured, workspace=workspace)
    return ExitCode.DONE if measured.passed else ExitCode.REFUSED


def _check_not_used(locked: str, release: str, bundle: str | None, *, workspace: Workspace) -> None:
    """Refuse early what the step would refuse only after features were made."""
    check_not_used(locked, release=release, bundle_sha256=bundle or "", workspace=workspace)


def request_of(asked: Measurement, *, config: Config, store: ModelStore) -> MeasureRequest:
    """Return what is asked with bundles by their digests.

    Args:
        asked: names bundles by digest, version or alias.
        config: that of the locked cohort.
        store: knows the versions.

    Raises:
        ConfigError: there is no such version, or a value is missing or malformed.
    """
    model = asked.model or config.cohort.name
    if not is_valid_id(model):
        raise ConfigError(f"--model: '{model}' is no name of a registered model")

    def bundle_of(named: str) -> str:
        if re.fullmatch(SHA256_PATTERN, named):
            return named
        return store.version(model, named).bundle_sha256

    named, champion = asked.bundle, LockedCriteria.of(config).champion
    if asked.champion is not None:
        champion = bundle_of(asked.champion)
    if asked.version is not None:
        named = store.version(model, asked.version).bundle_sha256
    try:
        return MeasureRequest.model_validate(
            {
                "locked": asked.locked,
                "release": asked.release,
                "bundle": named,
                "champion": champion,
                "who": asked.who,
                "why": asked.why,
            }
        )
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'models'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigError(f"locked measure: {told}") from error
