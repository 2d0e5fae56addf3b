"""A whole run on slides by version, and its pointers in a repository of somebody else."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from shazam.config import load_config
from shazam.config.tree import DemoConfig
from shazam.demo.cohort import make_demo_cohort
from shazam.integrations.dvc_revision import resolved
from shazam.progress import silent
from tests.command import shazam
from tests.integrations.test_data_stages import SMALL
from tests.integrations.test_data_versions import digests, dvc_pull
from tests.s3 import commit, data, done, make_repository, s3_store

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def store():
    with s3_store() as own:
        yield own


@pytest.fixture
def project(tmp_path, store) -> Path:
    """A config, a table, and slides that a repository has under the tag v1."""
    folder = tmp_path / "project"
    tree = yaml.safe_load(SMALL)
    del tree["demo"]
    asked = DemoConfig(n_cases=30, n_extra_slides=0, n_sites=3, broken_slides=False)
    made = make_demo_cohort(asked, folder=folder / "made", progress=silent)
    archive = make_repository(
        folder / "archive", url="s3://archive/slides", endpoint=store.endpoint
    )
    shutil.copytree(made.slides_dir, archive / "slides")
    shutil.copy(made.table, folder / "cohort.csv")
    done(data(archive, "version", "slides"))
    done(data(archive, "push"))
    commit(archive, "v1")
    tree["cohort"] |= {
        "table": "cohort.csv",
        "slides": {"dvc_rev": "v1", "pointer": "archive/slides.dvc"},
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(tree))
    return folder


def test_a_run_needs_only_hashes_and_its_pointers_bring_the_same_bytes(project, tmp_path, store):
    workspace = tmp_path / "ws"
    first = shazam("run", "-c", project / "own.yaml", "-w", workspace)
    assert first.code in {0, 5}, first.text
    report = Path(first.last_line)

    # without git and the repository, from the hashes alone: every cached step is taken
    version = resolved(load_config(project / "own.yaml", environment={}).config).cohort.slides
    tree = yaml.safe_load((project / "own.yaml").read_text())
    tree["cohort"]["slides"] = version.model_dump(mode="json")
    (project / "own.yaml").write_text(yaml.safe_dump(tree))
    shutil.rmtree(project / "archive")
    again = shazam("run", "-c", project / "own.yaml", "-w", workspace)
    assert again.code == first.code, again.text
    assert Path(again.last_line) == report
    assert " 2 steps run, 20 cached" in again.out, again.out  # validate and register always run

    # the pointers of the run, in another repository with the workspace's remote
    done(data(tmp_path, "remote", "s3://archive/ws", "--endpoint", store.endpoint, "-w", "ws"))
    done(data(tmp_path, "push", "-w", "ws"))
    pointers = report.parent / "versions"
    names = sorted(path.relative_to(pointers).as_posix() for path in pointers.rglob("*.dvc"))
    assert names == [
        "features/efficientnet_lite0.dvc",
        "features/efficientnet_lite1.dvc",
        "slides.dvc",
    ]
    other = make_repository(tmp_path / "other", url="s3://archive/ws", endpoint=store.endpoint)
    shutil.copytree(pointers, other, dirs_exist_ok=True)
    for name in names:
        dvc_pull(other, name)
    slides = workspace / version.folder
    assert digests(other / "slides") == digests(slides)
    for teacher in ("efficientnet_lite0", "efficientnet_lite1"):
        own = workspace / "data" / "features" / teacher
        assert digests(other / "features" / teacher) == digests(own)
    told = json.loads((slides.parent / f"{slides.name}.sha256.json").read_bytes())["files"]
    assert digests(other / "slides") == told
