"""Fetching: from a hub on 127.0.0.1 or a mirror folder, into the lock; every failure has a name."""

from dataclasses import replace
from hashlib import sha256

import huggingface_hub.constants
import pytest

from shazam.errors import AccessError, ArtifactError, ConfigError, ExitCode, HubError
from shazam.teachers.entry import Handcrafted, Hub
from shazam.teachers.fetch import fetch_from_hub, fetch_from_mirror
from shazam.teachers.hub import HuggingFace
from shazam.teachers.store import hub_file
from tests.teachers.fake_hub import FIRST, HUB_ID, SECOND, TOKEN, FakeHub, serving
from tests.teachers.made import VIT, entry

WEIGHTS = b"the weights" * 1000
FILES = {"README.md": b"# small", "config.json": b"{}", "model.safetensors": WEIGHTS}
ENTRY = entry(
    replace(VIT, architecture=None), Hub(HUB_ID, ("pytorch_model.bin", "model.safetensors"))
)
GATED = replace(ENTRY, gated=True)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    second = {**FILES, "model.safetensors": WEIGHTS + b"!"}
    with serving(FakeHub({FIRST: dict(FILES), SECOND: second})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield served


def fetch(entry=ENTRY, *, known=None, update=False, revision=None):
    client = HuggingFace(name=entry.name, gated=entry.gated)
    return fetch_from_hub(entry, client=client, known=known, update=update, revision=revision)


def from_mirror(root, *, known=None, update=False, revision=None):
    return fetch_from_mirror(
        ENTRY, weights_dir=root, known=known, update=update, revision=revision
    ).locked


def mirror(root, files=FILES, *, revision=""):
    folder = root / HUB_ID / revision
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return root


def test_the_newest_revision_is_resolved_and_every_needed_file_measured(hub):
    fetched = fetch()
    assert fetched.changes == ()
    locked = fetched.locked
    assert (locked.hub_id, locked.revision, locked.origin) == (HUB_ID, FIRST, "hub")
    assert [file.file for file in locked.files] == ["model.safetensors", "config.json"]
    assert locked.weights.sha256 == sha256(WEIGHTS).hexdigest()
    assert locked.weights.size_bytes == len(WEIGHTS)


def test_what_was_fetched_is_found_again_without_the_hub(hub):
    locked = fetch().locked
    n_asked = len(hub.asked)
    path = hub_file("small", locked=locked, file=locked.weights, weights_dir=None)
    assert path.read_bytes() == WEIGHTS
    assert len(hub.asked) == n_asked


def test_a_locked_teacher_is_fetched_at_its_revision_whatever_is_newest(hub):
    known = fetch().locked
    hub.newest = SECOND
    assert fetch(known=known).locked == known


def test_update_takes_the_newest_and_says_what_changed(hub):
    known = fetch().locked
    hub.newest = SECOND
    fetched = fetch(known=known, update=True)
    assert fetched.locked.revision == SECOND
    assert f"revision: {FIRST} -> {SECOND}" in fetched.changes
    assert any(line.startswith("model.safetensors: ") for line in fetched.changes)
    assert fetch(known=known, update=True, revision=FIRST).changes == ()


def test_bytes_that_differ_from_the_lock_are_refused(hub):
    locked = fetch().locked
    other = locked.files[0].model_copy(update={"sha256": "0" * 64})
    known = locked.model_copy(update={"files": (other, *locked.files[1:])})
    with pytest.raises(ArtifactError, match=r"model\.safetensors: 000000000000.*--update"):
        fetch(known=known)


def test_a_gated_teacher_without_a_token_says_how_to_get_access(hub):
    with pytest.raises(
        AccessError, match=rf"huggingface\.co/{HUB_ID}, then set HF_TOKEN"
    ) as caught:
        fetch(GATED)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert hub.asked == []


@pytest.mark.parametrize("token", [None, "hf_another-token"])
def test_no_access_is_named_and_no_token_is_shown(hub, monkeypatch, token):
    hub.gated = True
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(AccessError, match="accept the licence") as caught:
        fetch(GATED if token else ENTRY)
    assert "hf_another" not in str(caught.value)


def test_a_token_with_access_fetches_a_gated_teacher(hub, monkeypatch):
    hub.gated = True
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert fetch(GATED).locked.revision == FIRST


def test_blanks_around_a_token_are_dropped_and_what_is_no_token_is_named(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\n")
    assert HuggingFace(name="small", gated=True)._token == TOKEN
    for token in ("hf_s\u00e9cret", "hf_sec\nret"):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(AccessError, match="HF_TOKEN: holds characters") as caught:
            HuggingFace(name="small", gated=True)
        assert token not in str(caught.value)


@pytest.mark.parametrize("revision", ["absent", "9" * 40])
def test_a_revision_that_is_not_there_is_named(hub, revision):
    with pytest.raises(HubError, match="not on the hub"):
        fetch(revision=revision)


def test_a_repository_that_is_not_there_is_named(hub):
    absent = replace(ENTRY, source=Hub("some-lab/absent", ("model.safetensors",)))
    with pytest.raises(AccessError, match=r"some-lab/absent: no access \(HTTP 404\)"):
        fetch(absent)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("model.safetensors", r"holds no pytorch_model\.bin or model\.safetensors"),
        ("config.json", r"lacks config\.json"),
    ],
)
def test_a_file_that_the_repository_lacks_is_named(hub, gone, message):
    del hub.commits[FIRST][gone]
    with pytest.raises(HubError, match=message):
        fetch()


def test_a_truncated_download_is_named_and_leaves_nothing(hub, tmp_path):
    hub.truncate = True
    with pytest.raises(HubError, match=r"stopped short|cannot be reached"):
        fetch()
    whole = [p for p in (tmp_path / "cache").rglob("model.safetensors") if p.is_file()]
    assert whole == []


def test_bytes_that_are_not_what_the_hub_states_are_refused(hub):
    hub.state_wrong_sha256 = True
    with pytest.raises(ArtifactError, match="the hub states"):
        fetch()


def test_a_hub_that_fails_is_named(hub):
    hub.broken_status = 418
    with pytest.raises(HubError, match="answered HTTP 418"):
        fetch()


def test_a_hub_that_cannot_be_reached_is_named(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"connection failed|cannot be reached"):
        fetch()


def test_what_is_not_on_the_hub_cannot_be_fetched():
    with pytest.raises(ConfigError, match="nothing to fetch"):
        fetch(replace(ENTRY, source=Handcrafted("colour_statistics")))


def test_a_flat_mirror_is_locked_by_its_content(tmp_path):
    one, other = mirror(tmp_path / "a"), mirror(tmp_path / "b")
    locked = from_mirror(one)
    assert locked.origin == "mirror"
    assert locked == from_mirror(other) == from_mirror(one, known=locked)
    path = hub_file("small", locked=locked, file=locked.weights, weights_dir=one)
    assert path.read_bytes() == WEIGHTS


def test_a_mirror_that_names_its_revision_is_locked_as_the_hub_is(tmp_path):
    root = mirror(tmp_path, revision=FIRST)
    locked = from_mirror(root)
    assert (locked.revision, locked.origin) == (FIRST, "hub")
    assert from_mirror(root, known=locked) == locked
    flat = mirror(tmp_path / "flat")
    assert from_mirror(flat, known=locked) == locked
    assert from_mirror(flat, revision=FIRST) == locked


def test_of_several_revisions_in_a_mirror_one_must_be_chosen(tmp_path):
    for revision in (FIRST, SECOND):
        mirror(tmp_path, revision=revision)
    with pytest.raises(ConfigError, match="holds 2 revisions; choose one with --revision"):
        from_mirror(tmp_path)
    assert from_mirror(tmp_path, revision=SECOND).revision == SECOND
    with pytest.raises(ConfigError, match="40 hex digits"):
        from_mirror(tmp_path, revision="main")


def test_a_mirror_that_changed_is_refused_unless_that_is_meant(tmp_path):
    locked = from_mirror(mirror(tmp_path))
    (tmp_path / HUB_ID / "model.safetensors").write_bytes(WEIGHTS + b"!")
    with pytest.raises(ArtifactError, match=r"differs from the lock.*model\.safetensors"):
        from_mirror(tmp_path, known=locked)
    assert from_mirror(tmp_path, known=locked, update=True).weights != locked.weights


def test_a_mirror_without_the_teacher_is_named(tmp_path):
    with pytest.raises(HubError, match="no such folder"):
        from_mirror(tmp_path)
    mirror(tmp_path, {"config.json": b"{}"})
    with pytest.raises(HubError, match="holds no"):
        from_mirror(tmp_path)
    (tmp_path / HUB_ID / "model.safetensors").touch()
    with pytest.raises(ArtifactError, match="is empty"):
        from_mirror(tmp_path)


def test_what_a_mirror_locked_is_not_asked_of_the_hub(hub, tmp_path):
    known = from_mirror(mirror(tmp_path / "m"))
    with pytest.raises(ConfigError, match="was locked from a mirror"):
        fetch(known=known)
    assert fetch(known=known, update=True).locked.origin == "hub"
