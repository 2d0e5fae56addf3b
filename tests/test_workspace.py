"""The workspace gives back exactly the bytes a ref was made for."""

import pytest

from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import DataVersion
from shazam.refs import Ref
from shazam.workspace import Workspace

VERSION = DataVersion(path="slides", md5="0" * 32, n_files=1, size_bytes=2)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def test_a_manifest_comes_back_as_it_was_written(workspace):
    uri, sha256 = workspace.write_manifest("stage", VERSION)
    assert workspace.read_manifest(Ref(uri=uri, sha256=sha256), DataVersion) == VERSION
    assert uri == f"manifests/stage/{sha256}.json"


def test_an_altered_file_is_refused(workspace):
    uri, sha256 = workspace.write_manifest("stage", VERSION)
    path = workspace.path(uri)
    path.write_bytes(path.read_bytes().replace(b"slides", b"slidez"))
    with pytest.raises(ArtifactError, match="altered"):
        workspace.open_ref(Ref(uri=uri, sha256=sha256))


def test_a_missing_file_is_named(workspace):
    with pytest.raises(ArtifactError, match=r"manifests/x\.json: missing"):
        workspace.open_ref(Ref(uri="manifests/x.json", sha256="0" * 64))


def test_a_manifest_of_another_kind_is_refused(workspace):
    uri, sha256 = workspace.write_manifest("stage", Ref(uri="a", sha256="0" * 64))
    with pytest.raises(ArtifactError, match="not a DataVersion"):
        workspace.read_manifest(Ref(uri=uri, sha256=sha256), DataVersion)


def test_uris_stay_inside(workspace):
    with pytest.raises(ConfigError, match="leaves"):
        workspace.path("../outside")


def test_the_workspace_is_named_by_the_environment(tmp_path):
    named = Workspace.from_environment({"SHAZAM_WORKSPACE": str(tmp_path)})
    assert named.root == tmp_path
    with pytest.raises(ConfigError, match="SHAZAM_WORKSPACE"):
        Workspace.from_environment({})
