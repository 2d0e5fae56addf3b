"""Slides by version: what a revision means is told by git, and steps need only the hashes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from shazam.cli.preflight import preflight
from shazam.cli.slides_version import resolved
from shazam.config import load_config
from shazam.config.cohort import CohortConfig
from shazam.config.slides import SlidesVersion
from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, ConfigError, DataError
from shazam.integrations.dvc_slides import bring_slides
from shazam.integrations.dvc_yaml import Project, dvc_yaml
from shazam.workspace import Workspace
from tests.command import shazam_here
from tests.real_data import write_table
from tests.s3 import commit, data, dead_endpoint, done, make_repository, s3_store
from tests.slides.made import make_slide, tissue_picture

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

NAMES = ("S1", "S2", "S3")
CONFIG = {
    "cohort": {
        "name": "own",
        "task": "survival",
        "table": "cohort.csv",
        "slides": {"dvc_rev": "v1", "pointer": "archive/slides.dvc"},
    },
    "extraction": {"teachers": ["efficientnet_lite0"]},
    "acceptance": {"candidate": "fusion_student_v2"},
    "splits": {"n_folds": 2, "sites": "ignored"},
}


@pytest.fixture(scope="module")
def store():
    with s3_store() as own:
        yield own


@pytest.fixture(scope="module")
def made(store, tmp_path_factory) -> Path:
    """A config beside a repository in which v1 names three slides and v2 an altered one."""
    folder = tmp_path_factory.mktemp("made") / "project"
    repository = make_repository(
        folder / "archive", url="s3://archive/slides", endpoint=store.endpoint
    )
    for number, name in enumerate(NAMES):
        make_slide(repository / "slides", name, rgb=tissue_picture(400, 500, seed=number))
    done(data(repository, "version", "slides"))
    done(data(repository, "push"))
    commit(repository, "v1")
    (repository / "slides" / "S3.tiff").unlink()
    make_slide(repository / "slides", "S3", rgb=tissue_picture(400, 500, seed=9))
    done(data(repository, "version", "slides"))
    done(data(repository, "push"))
    commit(repository, "v2")
    rows = [
        {"case_id": name, "slide_id": name, "time_months": 12 + number, "event": 1}
        for number, name in enumerate(NAMES)
    ]
    write_table(folder / "cohort.csv", rows)
    (folder / "own.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


@pytest.fixture(scope="module")
def version(made) -> SlidesVersion:
    slides = resolved(loaded(made)).cohort.slides
    assert isinstance(slides, SlidesVersion)
    return slides


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "ws")


def loaded(project: Path, *overrides: str):
    return load_config(project / "own.yaml", overrides=overrides, environment={}).config


def digests(folder: Path) -> dict[str, str]:
    return {path.name: digest_of_file(path) for path in folder.iterdir()}


def by_version(workspace: Workspace) -> list[str]:
    folder = workspace.root / "slides_by_version"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_revision_means_the_hashes_of_its_pointer_and_the_place_of_the_remote(made, store):
    for name in ("v1", "HEAD~1", "v2"):
        slides = resolved(loaded(made, f"cohort.slides.dvc_rev={name}")).cohort.slides
        (out,) = yaml.safe_load((made / "archive" / "slides.dvc").read_text())["outs"]
        assert (slides.md5 == out["md5"]) == (name == "v2")
        assert slides.n_files == 3
        assert len(slides.files_sha256) == 64
        assert slides.remote.url == "s3://archive/slides"
        assert slides.remote.endpoint_url == store.endpoint


def test_steps_see_hashes_and_no_revision_or_path(made, version):
    config = resolved(loaded(made))
    text = config.model_dump_json()
    assert version.md5 in text
    assert "dvc_rev" not in text
    assert "slides.dvc" not in text
    assert config.cohort.sources()[1] == Path(f"slides_by_version/{version.md5[:32]}")
    # another name of the same bytes is the same to every step
    same = resolved(loaded(made, "cohort.slides.dvc_rev=HEAD~1"))
    assert same.cohort == config.cohort


def test_what_a_run_starts_from_changes_with_the_bytes_not_with_their_name(made):
    rows = [
        {"case_id": f"c{n}", "slide_id": f"S{n}", "time_months": 12 + n, "event": n % 2}
        for n in range(12)
    ]
    write_table(made / "more.csv", rows)
    table = f"cohort.table={made / 'more.csv'}"
    configs = [
        resolved(loaded(made, table, f"cohort.slides.dvc_rev={name}"))
        for name in ("v1", "HEAD~1", "v2")
    ]
    first, same, other = (preflight(config) for config in configs)
    assert first == same
    assert first.source_digest != other.source_digest
    assert configs[0].asked() == configs[2].asked()


def test_the_hashes_may_stand_in_a_config(made, version):
    slides = version.model_dump(mode="json")
    tree = {**CONFIG, "cohort": {**CONFIG["cohort"], "slides": slides}}
    (made / "exact.yaml").write_text(yaml.safe_dump(tree))
    config = load_config(made / "exact.yaml", environment={}).config
    assert resolved(config).cohort.slides == version


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["cohort.slides.dvc_rev=v9"], "has no git revision 'v9'"),
        (["cohort.slides.dvc_rev=--all"], "has no git revision '--all'"),
        (["cohort.slides.pointer={folder}/archive/x.dvc"], "in revision 'v1': there is no such"),
        (["cohort.slides.pointer={folder}/archive/.gitignore"], "is no pointer of DVC"),
        (["cohort.slides.pointer={folder}/cohort.csv.dvc"], "no DVC repository holds it"),
    ],
)
def test_what_a_revision_does_not_have_is_refused(made, overrides, message):
    words = [word.format(folder=made) for word in overrides]
    with pytest.raises(ConfigError, match=message):
        resolved(loaded(made, *words))


@pytest.mark.parametrize(
    ("cohort", "message"),
    [
        ({"slides_dir": "slides"}, "has both of slides_dir"),
        ({"slides": {"dvc_rev": "v1"}}, "pointer"),
        ({"slides": {"dvc_rev": "", "pointer": "slides.dvc"}}, "dvc_rev"),
        ({"slides": {"md5": "x.dir", "n_files": 1, "size_bytes": 1}}, "md5"),
    ],
)
def test_a_cohort_has_one_place_of_slides(made, tmp_path, cohort, message):
    tree = {**CONFIG, "cohort": {**CONFIG["cohort"], **cohort}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path)
    with pytest.raises(ConfigError, match=r"no cohort\.slides"):
        CohortConfig(name="x", table=tmp_path / "t.csv").sources()


def test_a_password_in_the_remotes_address_never_reaches_a_step(version):
    tree = version.model_dump(mode="json")
    tree["remote"]["endpoint_url"] = "http://key:secret@host"
    with pytest.raises(ValueError, match="credentials by environment"):
        SlidesVersion.model_validate(tree)


def test_slides_are_brought_whole_and_only_once(made, version, workspace):
    folder = bring_slides(version, workspace=workspace)
    assert folder == workspace.path(version.folder)
    own = version.md5[:32]
    assert by_version(workspace) == [own, f"{own}.sha256.json"]
    told = yaml.safe_load((made / "archive" / "slides.sha256.json").read_text())["files"]
    assert digests(folder)["S1.tiff"] == told["S1.tiff"]
    inodes = {path: path.stat().st_ino for path in folder.iterdir()}
    gone = version.model_copy(
        update={"remote": version.remote.model_copy(update={"endpoint_url": "http://127.0.0.1:1"})}
    )
    assert bring_slides(gone, workspace=workspace) == folder  # nothing was asked of the remote
    assert {path: path.stat().st_ino for path in folder.iterdir()} == inodes


def test_a_folder_that_was_altered_is_brought_anew(version, workspace):
    folder = bring_slides(version, workspace=workspace)
    before = digests(folder)
    (folder / "S1.tiff").chmod(0o644)
    with (folder / "S1.tiff").open("ab") as file:
        file.write(b"more")
    (folder / "S2.tiff").unlink()
    assert digests(bring_slides(version, workspace=workspace)) == before


@pytest.mark.parametrize("harm", ["missing", "other bytes", "listing", "count", "sha256"])
def test_what_is_not_whole_leaves_no_folder(version, workspace, store, tmp_path, harm):
    folder = tmp_path.name
    store.copy("slides", folder)
    place = version.remote.model_copy(update={"url": f"s3://archive/{folder}"})
    own = version.model_copy(update={"remote": place})
    objects = store.objects(folder)
    files = [key for name, key in objects.items() if not name.endswith(".dir")]
    match harm:
        case "missing":
            for key in files:
                store.delete(key)
            message = r"slide file S\d\.tiff .*missing from the remote s3://archive"
        case "other bytes":
            for key in files:
                store.overwrite(key, b"other")
            message = "gave other bytes"
        case "listing":
            store.overwrite(objects[version.md5], b"[]")
            message = "its listing, object .*gave other bytes"
        case "count":
            own = own.model_copy(update={"n_files": 4})
            message = "has 3 files, its pointer says 4"
        case _:
            own = own.model_copy(update={"files_sha256": "0" * 64})
            message = "but not the SHA-256"
    with pytest.raises(DataError, match=message):
        bring_slides(own, workspace=workspace)
    assert by_version(workspace) == []


def test_a_dead_endpoint_leaves_no_folder(version, workspace):
    with dead_endpoint() as address:
        place = version.remote.model_copy(update={"endpoint_url": address})
        with pytest.raises(DataError, match="does not answer"):
            bring_slides(version.model_copy(update={"remote": place}), workspace=workspace)
    assert by_version(workspace) == []


def test_a_step_is_told_when_slides_by_version_are_gone(workspace):
    with pytest.raises(ArtifactError, match="run again with --no-cache"):
        workspace.slides("slides_by_version/abc")
    assert workspace.slides("/elsewhere") == Path("/elsewhere")
    assert workspace.slides("relative/folder") == Path("relative/folder")


def test_steps_go_from_hashes_to_tiles_without_the_repository(made, tmp_path, monkeypatch):
    from steps.ingest import ingest
    from steps.tile import tile
    from steps.validate import validate

    project = shutil.copytree(made, tmp_path / "project")
    config = resolved(loaded(project))
    shutil.rmtree(project / "archive")
    (tmp_path / "ws").mkdir()
    monkeypatch.setenv("SHAZAM_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.chdir(tmp_path)
    slides_dir = str(config.cohort.sources()[1])
    cohort = ingest.entrypoint(config.cohort, "digest", imported=False)
    assert cohort.n_slides == 3
    validation, _ = validate.entrypoint(cohort, slides_dir, config.tiling, 0.0)
    tiles = tile.entrypoint(validation, slides_dir, config.tiling, 0.0)
    assert (tiles.n_slides, tiles.n_tiles > 0) == (3, True)
    assert ingest.entrypoint(config.cohort, "digest", imported=False) == cohort


def test_extract_and_stages_read_the_same_bytes(made, tmp_path):
    options = ("-c", made / "own.yaml", "-w", tmp_path / "ws")
    extracted = shazam_here("extract", *options)
    assert extracted.code == 0, extracted.text
    assert "3 slides" in extracted.out
    staged = shazam_here("stages", "run", "ingest", *options, "--views", tmp_path / "views")
    assert staged.code == 0, staged.text
    (record,) = (tmp_path / "ws" / "manifests" / "ingest").iterdir()
    shown = json.loads((tmp_path / "views" / "ingest" / "manifest.json").read_bytes())
    assert shown["ref"] == json.loads(record.read_bytes())
    assert len(by_version(Workspace(tmp_path / "ws"))) == 2


def test_a_revision_that_is_unknown_writes_nothing(made, tmp_path):
    for words in (["run"], ["extract"], ["stages", "run", "ingest"]):
        project = shutil.copytree(made, tmp_path / words[-1])
        text = (project / "own.yaml").read_text().replace("v1", "v9")
        (project / "own.yaml").write_text(text)
        outcome = shazam_here(*words, "-c", project / "own.yaml", "-w", tmp_path / "ws")
        assert (outcome.code, "no git revision 'v9'" in outcome.err) == (45, True), outcome.text
        assert not (tmp_path / "ws").exists()


def test_dvc_yaml_names_the_table_and_leaves_the_version_to_the_config(made):
    project = Project(loaded(made), config_path=made / "own.yaml", workspace=made / "ws", root=made)
    deps = yaml.safe_load(dvc_yaml(project))["stages"]["ingest"]["deps"]
    assert deps[0] == "cohort.csv"
    assert not [name for name in deps if "slides_by_version" in name or "archive" in name]
