"""`shazam data` against an S3 endpoint: round trips, and what a remote may do wrong."""

import json
import shutil
import time
from pathlib import Path

import pytest
import yaml

from shazam.digest import digest_of_file
from shazam.integrations.dvc import freeze_view
from shazam.integrations.dvc_pointers import publish_pointers
from shazam.publish import publish_bytes
from shazam.workspace import Workspace
from tests.s3 import commit, data, dead_endpoint, done, git, make_repository, s3_store

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

FILES = {"a.tiff": b"first" * 400, "b/c.tiff": b"second" * 300, "empty.tiff": b""}


@pytest.fixture(scope="module")
def store():
    with s3_store() as own:
        yield own


@pytest.fixture
def folder(tmp_path) -> str:
    """A folder of the bucket that is this test's own."""
    return tmp_path.name


@pytest.fixture
def url(folder) -> str:
    return f"s3://archive/{folder}"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_of_file(path) for path in files}


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what changes when a file is written; git's and DVC's own state is left out."""
    found = (p for p in folder.rglob("*") if p.is_file() and not {".git", "tmp"} & set(p.parts))
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in found}


@pytest.fixture(scope="module")
def made(store, tmp_path_factory) -> Path:
    """A repository with a version of slides, committed and pushed."""
    repository = tmp_path_factory.mktemp("made") / "origin"
    make_repository(repository, url="s3://archive/made", endpoint=store.endpoint)
    write(repository / "slides", FILES)
    done(data(repository, "version", "slides"))
    done(data(repository, "push"))
    return repository


@pytest.fixture
def origin(made, tmp_path, store, folder) -> Path:
    """A copy of it with a folder of the bucket of its own."""
    store.copy("made", folder)
    repository = shutil.copytree(made, tmp_path / "origin")
    config = repository / ".dvc" / "config"
    config.write_text(config.read_text().replace("archive/made", f"archive/{folder}"))
    commit(repository, "v1")
    return repository


@pytest.fixture
def clone(origin, tmp_path) -> Path:
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    return tmp_path / "clone"


def oid_of(repository: Path, name: str) -> str:
    (out,) = yaml.safe_load((repository / "slides.dvc").read_text())["outs"]
    kept = repository / ".dvc" / "cache" / "files" / "md5" / out["md5"][:2] / out["md5"][2:]
    return {entry["relpath"]: entry["md5"] for entry in json.loads(kept.read_bytes())}[name]


def test_a_version_goes_through_the_bucket_and_comes_back_the_same(origin, clone):
    came = done(data(clone, "pull"))
    assert "3 file(s), 3 object(s) brought, SHA-256 compared" in came.out
    assert digests(clone / "slides") == digests(origin / "slides")
    manifest = json.loads((clone / "slides.sha256.json").read_bytes())
    assert manifest["files"] == digests(clone / "slides")
    before = state_of(clone)
    assert "0 object(s) brought" in done(data(clone, "pull", "slides.dvc")).out
    assert state_of(clone) == before
    assert "1 of 1 version(s) unchanged and pushed" in done(data(clone, "status")).out


def test_equal_content_changes_nothing(origin):
    before = state_of(origin)
    again = done(data(origin, "version", "slides"))
    assert "slides: " in again.out
    assert ".dir, 3 file(s), 3800 bytes" in again.out
    assert "commit: git add slides.dvc slides.sha256.json .gitignore" in again.out
    assert "0 object(s) sent" in done(data(origin, "push")).out
    assert state_of(origin) == before


def test_status_and_diff_tell_what_changed(origin):
    write(origin / "slides", {"a.tiff": b"other", "new.tiff": b"new"})
    (origin / "slides" / "b" / "c.tiff").unlink()
    changed = done(data(origin, "status"))
    assert "changed: slides/a.tiff: modified" in changed.out
    assert "changed: slides/b/c.tiff: deleted" in changed.out
    assert "changed: slides/new.tiff: added" in changed.out
    done(data(origin, "version", "slides"))
    assert "not pushed: slides: 3 of 4 object(s)" in done(data(origin, "status", "slides")).out
    commit(origin, "v2")
    told = done(data(origin, "diff", "v1"))
    assert told.out.splitlines() == [
        "modified: slides/a.tiff",
        "deleted: slides/b/c.tiff",
        "added: slides/new.tiff",
        "3 file(s) differ from v1",
    ]
    assert done(data(origin, "diff", "v2", "slides")).last_line == "0 file(s) differ from v2"
    assert done(data(origin, "diff", "v1", "slides/b")).out == told.out


def test_diff_brings_a_listing_that_the_cache_lacks(origin, clone):
    done(data(clone, "pull"))
    shutil.rmtree(clone / ".dvc" / "cache")
    assert done(data(clone, "diff", "v1")).last_line == "0 file(s) differ from v1"


def test_files_that_dvc_ignores_are_none_of_a_version(origin):
    before = (origin / "slides.sha256.json").read_bytes()
    write(origin, {".dvcignore": b"*.part\n", "slides/x.part": b"under way"})
    assert "3 file(s)" in done(data(origin, "version", "slides")).out
    assert (origin / "slides.sha256.json").read_bytes() == before
    assert "1 of 1 version(s) unchanged and pushed" in done(data(origin, "status")).out
    assert done(data(origin, "diff", "v1")).last_line == "0 file(s) differ from v1"


def test_an_endpoint_that_is_silent_is_given_up(origin, clone, url):
    with dead_endpoint(listens=True) as address:
        done(data(clone, "remote", url, "--endpoint", address))
        config = clone / ".dvc" / "config"
        config.write_text(config.read_text().replace("read_timeout = 15", "read_timeout = 1"))
        before = state_of(clone)
        refused(data(clone, "pull"), "does not answer", address)
        assert state_of(clone) == before


def test_an_unknown_revision_and_a_repository_without_git_are_told(origin, tmp_path):
    unknown = data(origin, "diff", "v9")
    assert (unknown.code, "has no git revision 'v9'; name a commit" in unknown.err) == (45, True)
    (tmp_path / "ws").mkdir()
    without = data(tmp_path, "diff", "v1", "-w", "ws")
    assert (without.code, "is without git" in without.err) == (45, True)


def refused(outcome, *messages: str) -> None:
    assert outcome.code == 1, outcome.text
    assert "Traceback" not in outcome.err
    for message in messages:
        assert message in outcome.err, outcome.err


def test_a_missing_object_is_named_and_nothing_is_half_pulled(origin, clone, store, folder):
    oid = oid_of(origin, "b/c.tiff")
    store.delete(store.objects(folder)[oid])
    outcome = data(clone, "pull")
    refused(outcome, "slides/b/c.tiff", oid, f"s3://archive/{folder}", store.endpoint)
    assert "run 'shazam data push' where its bytes are" in outcome.err
    assert not (clone / "slides").exists()
    done(data(origin, "push"))
    done(data(clone, "pull"))
    assert digests(clone / "slides") == digests(origin / "slides")


@pytest.mark.parametrize("content", [b"not the bytes", b""])
def test_other_bytes_under_an_objects_name_are_never_taken(origin, clone, store, folder, content):
    oid = oid_of(origin, "a.tiff")
    store.overwrite(store.objects(folder)[oid], content)
    refused(data(clone, "pull"), "slides/a.tiff", oid, "gave other bytes", store.endpoint)
    assert not (clone / "slides").exists()
    cached = [path for path in (clone / ".dvc" / "cache").rglob("*") if path.is_file()]
    assert [path for path in cached if path.read_bytes() == content and content] == []


def test_a_listing_with_other_bytes_is_never_read(origin, clone, store, folder):
    objects = store.objects(folder)
    (listing,) = (key for name, key in objects.items() if name.endswith(".dir"))
    store.overwrite(listing, b'[{"md5": "%s", "relpath": "../../escape"}]' % (b"0" * 32))
    refused(data(clone, "pull"), "slides (its listing", "gave other bytes")
    assert not (clone / "slides").exists()


def test_bytes_of_another_sha256_are_refused_although_their_md5_is_right(origin, clone):
    path = clone / "slides.sha256.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"]["a.tiff"] = "0" * 64
    path.write_bytes(json.dumps(manifest).encode())
    refused(data(clone, "pull"), "slides/a.tiff", "not of the SHA-256")
    assert not (clone / "slides").exists()
    path.write_bytes((origin / "slides.sha256.json").read_bytes())
    done(data(clone, "pull"))
    shutil.rmtree(clone / "slides")
    path.write_bytes(json.dumps(manifest).encode())
    refused(data(clone, "pull"), "slides/a.tiff", "but not the SHA-256")  # from the cache
    assert not (clone / "slides").exists()


@pytest.mark.parametrize("command", ["push", "pull", "status"])
def test_a_dead_endpoint_is_told_within_seconds(origin, clone, url, command):
    place = origin if command == "push" else clone
    with dead_endpoint() as address:
        done(data(place, "remote", url, "--endpoint", address))
        before = state_of(clone)
        begun = time.monotonic()
        outcome = data(place, command)
        assert time.monotonic() - begun < 20
        refused(outcome, "does not answer", address, "run again")
    assert state_of(clone) == before


def test_without_credentials_the_variables_are_named(origin, clone, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    refused(data(clone, "pull"), "no credentials", "set AWS_ACCESS_KEY_ID", "AWS_PROFILE")
    assert not (clone / "slides").exists()


def test_a_bucket_that_is_not_there_is_told(origin, store):
    done(data(origin, "remote", "s3://nowhere/x", "--endpoint", store.endpoint))
    refused(data(origin, "push"), "missing from the remote s3://nowhere/x", "correct the remote's")


def test_files_in_the_way_are_kept(origin, clone):
    write(clone / "slides", {"a.tiff": b"mine"})
    refused(data(clone, "pull"), "slides", "version or remove files that are in the way")
    assert digests(clone / "slides") == digests(write(clone.parent / "x", {"a.tiff": b"mine"}))


def test_the_remote_is_verified_finite_and_without_credentials(origin):
    config = (origin / ".dvc" / "config").read_text()
    assert "remote = storage" in config
    assert "verify = True" in config
    assert "connect_timeout = 5" in config
    assert "key" not in config
    with (origin / ".dvc" / "config").open("a") as file:
        file.write("    profile = clinic\n")
    told = done(data(origin, "remote", "s3://archive/elsewhere"))
    assert told.last_line == "  commit: git add .dvc/config"
    config = (origin / ".dvc" / "config").read_text()
    assert "profile = clinic" in config
    assert "url = s3://archive/elsewhere" in config
    assert "endpointurl" not in config


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s3://key:secret@archive/x"], "would be committed"),
        (["s3://archive/x", "--endpoint", "http://key:secret@host"], "would be committed"),
        (["s3://archive/x", "--endpoint", "host:9000"], "write it as https://host:port"),
        (["/mnt/x", "--endpoint", "http://host"], "belongs to an address s3://"),
        (["s3:///x"], "names no bucket"),
    ],
)
def test_a_wrong_remote_is_refused_and_not_written(origin, words, message):
    before = (origin / ".dvc" / "config").read_bytes()
    outcome = data(origin, "remote", *words)
    assert (outcome.code, message in outcome.err) == (45, True), outcome.text
    assert (origin / ".dvc" / "config").read_bytes() == before


def test_what_cannot_be_versioned_says_what_to_type(origin, tmp_path):
    (tmp_path / "plain").mkdir()
    write(tmp_path / "plain", {"a": b"1"})
    (origin / "empty").mkdir()
    for folder, path, message in (
        (tmp_path / "plain", "a", "run 'dvc init' at the top of its git repository"),
        (origin, "absent", "no such file or folder"),
        (origin, "empty", "holds no file"),
        (origin, "slides/a.tiff", "is part of slides, which is versioned as a whole"),
        (origin, "../plain/a", "is not inside"),
    ):
        words = ["slides", path] if path.startswith("..") else [path]
        outcome = data(folder, "version", *words)
        assert (outcome.code, message in outcome.err) == (45, True), outcome.text
    outcome = data(origin, "push", "empty")
    assert (outcome.code, "shazam data version empty" in outcome.err) == (45, True)
    outcome = data(tmp_path, "version", "-w", "absent")
    assert (outcome.code, "no such folder" in outcome.err) == (45, True)
    refused(data(origin, "version", ".dvc/config"), ".dvc/config: DVC refused it")


def test_a_lone_file_is_a_version_too(origin, clone):
    write(origin, {"table.csv": b"case_id\n"})
    made = done(data(origin, "version", "table.csv"))
    assert "1 file(s), 8 bytes" in made.out
    commit(origin, "v2")
    done(data(origin, "push", "table.csv"))
    git(clone, "pull", "--quiet")
    assert "SHA-256 compared" in done(data(clone, "pull", "table.csv")).out
    assert (clone / "table.csv").read_bytes() == b"case_id\n"
    assert not (clone / "slides").exists()
    (clone / "table.csv").unlink()
    assert "table.csv: not here" in done(data(clone, "status", "table.csv")).out


def test_features_of_a_workspace_are_versioned_without_git(tmp_path, store, url):
    workspace = Workspace(tmp_path / "ws")
    path = workspace.root / "features" / "t" / "x.h5"
    publish_bytes(path, b"features" * 100)
    version = freeze_view("features/t", {"S1.h5": path}, workspace=workspace)
    made = done(data(tmp_path, "version", "-w", "ws"))
    assert made.out == f"data/features/t: {version.md5}, 2 file(s), {version.size_bytes} bytes\n"
    done(data(tmp_path, "remote", url, "--endpoint", store.endpoint, "-w", "ws"))
    assert "3 object(s) sent" in done(data(tmp_path, "push", "-w", "ws")).out

    # a run's pointer in another repository
    publish_pointers([version], folder=tmp_path / "run" / "versions")
    other = make_repository(tmp_path / "other", url=url, endpoint=store.endpoint)
    pointer = other / "data" / "features" / "t.dvc"
    pointer.parent.mkdir(parents=True)
    shutil.copy(tmp_path / "run" / "versions" / "features" / "t.dvc", pointer)
    dvc_pull(other, "data/features/t.dvc")
    assert digests(other / "data/features/t") == digests(workspace.root / "data/features/t")


def dvc_pull(repository: Path, pointer: str) -> None:
    """Pull with DVC alone."""
    from dvc.repo import Repo

    with Repo(str(repository)) as own:
        own.pull(targets=[str(repository / pointer)])


def test_a_folder_can_be_the_remote(tmp_path):
    repository = make_repository(tmp_path / "own", url=str(tmp_path / "disk"), endpoint=None)
    write(repository / "slides", FILES)
    done(data(repository, "version", "slides"))
    done(data(repository, "push"))
    shutil.rmtree(repository / "slides")
    shutil.rmtree(repository / ".dvc" / "cache")
    done(data(repository, "pull"))
    assert (repository / "slides" / "a.tiff").read_bytes() == FILES["a.tiff"]
    shutil.rmtree(tmp_path / "disk")
    assert "not pushed: slides: 4 of 4" in done(data(repository, "status")).out
