"""A registered version keeps the run that it was made of."""

from __future__ import annotations

from pathlib import Path

from shazam.digest import digest_of
from shazam.publish import publish_json
from shazam.refs import RegistrationRef
from shazam.upkeep.contents import items_of, names_of
from shazam.upkeep.roots import names_outside
from shazam.workspace import Workspace

BUNDLE, RUN, OTHER = (digest_of(name) for name in ("bundle", "run", "other"))


def test_a_run_is_meant_by_the_bundle_that_it_was_registered_as(tmp_path: Path):
    workspace = Workspace(tmp_path)
    ref = RegistrationRef(
        uri=f"bundles/{BUNDLE}/bundle.json",
        sha256=BUNDLE,
        model_name="m",
        version="1",
        bundle_sha256=BUNDLE,
        alias=None,
    )
    publish_json(tmp_path / "runs" / RUN / "registration.json", ref)
    publish_json(tmp_path / "runs" / RUN / "metrics.json", {"cohort": OTHER})
    (item,) = items_of(workspace)
    assert names_of(item) == {RUN, BUNDLE}


def test_a_registered_bundle_keeps_the_run_that_its_code_manifest_names(tmp_path: Path):
    publish_json(tmp_path / "bundles" / BUNDLE / "manifests/code.json", {"run_sha256": RUN})
    workspace, views = Workspace(tmp_path), tmp_path / "views"
    assert {RUN, BUNDLE} <= names_outside(workspace, views=views, registered=[BUNDLE])
    assert names_outside(workspace, views=views, registered=[OTHER]) == {OTHER}
