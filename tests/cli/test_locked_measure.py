"""What `shazam locked add` and `measure` refuse at once, and how bundles are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shazam.cli.measure import Measurement, request_of
from shazam.config import load_config
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.registered import JudgedBy, read_judged_by
from shazam.promotion import RegisteredVersion, Registration, StoredVersion
from tests.command import settings, shazam_here
from tests.imported import make

BUNDLES = {("my_features", "3"): "a" * 64, ("my_features", "champion"): "b" * 64}
BUNDLES |= {("other", "1"): "c" * 64}


class Versions:
    """A store that only knows which bundles its versions are of."""

    def register(self, registration: Registration) -> RegisteredVersion:
        raise AssertionError(registration)

    def alias(self, model_name: str, alias: str) -> str | None:
        raise AssertionError(alias)

    def point(self, model_name: str, *, alias: str, version: str) -> None:
        raise AssertionError(alias)

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        raise AssertionError(bundle_sha256)

    def version(self, model_name: str, version: str) -> StoredVersion:
        return StoredVersion(model_name, version, BUNDLES[model_name, version])

    def fetch(self, model_name: str, version: str, target: Path) -> None:
        raise AssertionError(target)


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("measure") / "my")


def asked(**given: str | None) -> Measurement:
    fields = {"locked": "x", "release": "1.0", "who": "ann", "why": "release"}
    empty = dict.fromkeys(("model", "version", "bundle", "champion"))
    return Measurement(**{**fields, **empty, **given})


@pytest.mark.parametrize(
    ("given", "release", "champion"),
    [
        ({"version": "3"}, "a", None),
        ({"bundle": "d" * 64, "champion": "champion"}, "d", "b"),
        ({"version": "1", "model": "other", "champion": "e" * 64}, "c", "e"),
    ],
)
def test_a_bundle_is_named_by_digest_version_or_alias(
    given: dict[str, str], release: str, champion: str | None, config: Path
) -> None:
    loaded = load_config(config, overrides=[]).config
    request = request_of(asked(**given), config=loaded, store=Versions())
    assert request.bundle == release * 64
    assert request.champion == (None if champion is None else champion * 64)


@pytest.mark.parametrize(
    ("kind", "given", "champion"),
    [
        ("locked", None, "f" * 64),
        ("locked", "e" * 64, "e" * 64),  # refused later, with both digests
        ("procedure", None, None),
    ],
)
def test_the_champion_of_the_acceptance_section_is_taken(
    kind: str, given: str | None, champion: str | None, config: Path
) -> None:
    rule = [f"acceptance.champion.bundle={'f' * 64}", f"acceptance.champion.kind={kind}"]
    loaded = load_config(config, overrides=rule).config
    request = request_of(asked(version="3", champion=given), config=loaded, store=Versions())
    assert request.champion == champion


def judged(path: Path, **changed: object) -> JudgedBy:
    metrics = {"acceptance_sha256": "a" * 64, "config": {"seed": 0}}
    config = {"max_quarantine_fraction": 0.05}
    for name, content in (("metrics", metrics), ("config", config)):
        (path / f"{name}.json").write_text(json.dumps({**content, **changed}))
    return read_judged_by(path / "metrics.json", config=path / "config.json")


def test_a_bundle_says_by_what_it_was_judged(tmp_path: Path) -> None:
    found = judged(tmp_path)
    assert found == JudgedBy("a" * 64, digest_of({"seed": 0}), 0.05)
    assert judged(tmp_path, config={"seed": 1}) != found


@pytest.mark.parametrize("what", ["missing", "no JSON", "no number", "no fields"])
def test_a_bundle_that_does_not_say_it_is_refused(what: str, tmp_path: Path) -> None:
    judged(tmp_path)
    path = tmp_path / "config.json"
    match what:
        case "missing":
            path.unlink()
        case "no JSON":
            path.write_text("{")
        case "no number":
            path.write_text('{"max_quarantine_fraction": null}')
        case _:
            path.write_text("{}")
    with pytest.raises(ArtifactError, match="by which criteria the model was judged"):
        read_judged_by(tmp_path / "metrics.json", config=path)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"version": "3", "champion": "3"}, "the release itself"),
        ({"bundle": "short"}, "bundle:"),
        ({"version": "3", "model": "my' or '"}, "no name of a registered model"),
        ({"version": "3", "who": ""}, "who:"),
        ({"version": "3", "release": "a b"}, "release:"),
    ],
)
def test_what_cannot_be_asked_is_told(given: dict[str, str], told: str, config: Path) -> None:
    loaded = load_config(config, overrides=[]).config
    with pytest.raises(ConfigError, match=told):
        request_of(asked(**given), config=loaded, store=Versions())


def measure(config: Path, workspace: Path, *more: str) -> tuple[int, str]:
    words = ("--release", "1", "--who", "ann", "--why", "x", *more)
    outcome = shazam_here("locked", "measure", "absent", "-c", config, "-w", workspace, *words)
    return outcome.code, outcome.err


def test_a_measurement_names_one_bundle_and_a_locked_cohort(config: Path, tmp_path: Path) -> None:
    for more in ((), ("--version", "1", "--bundle", "a" * 64)):
        code, told = measure(config, tmp_path / "ws", *more)
        assert code == 45
        assert "exactly one of --version and --bundle" in told
    code, told = measure(config, tmp_path / "ws", "--version", "1")
    assert code == 45
    assert "no locked cohort 'absent'" in told


def test_the_cohort_of_a_config_is_locked_as_a_run_would_read_it(
    config: Path, tmp_path: Path
) -> None:
    home = ("-w", tmp_path / "ws")
    added = shazam_here("locked", "add", "mine", "-c", config, *home)
    assert added.code == 0, added.text
    (file,) = (tmp_path / "ws" / "cohorts").glob("*/cohort.parquet")
    assert shazam_here("locked", "add", "mine", "--cohort", file, *home).code == 0
    assert "result: none" not in shazam_here("locked", "status", *home).out


def test_a_cohort_is_locked_from_one_place(config: Path, tmp_path: Path) -> None:
    home = ("-w", tmp_path / "ws")
    for more in ((), ("-c", config, "--cohort", config)):
        refused = shazam_here("locked", "add", "mine", *more, *home)
        assert refused.code == 45
        assert "exactly one of --cohort and --config" in refused.err
    tiles = settings(["cohort.unit=tile", "cohort.task=classification"])
    refused = shazam_here("locked", "add", "mine", "-c", config, *home, *tiles)
    assert refused.code == 45
    assert "tiles are known by their features" in refused.err
