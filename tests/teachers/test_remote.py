"""Code of the hub is run only for whom the user allows it, and only the bytes that are locked."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import save

from shazam.errors import ArtifactError, ConfigError
from shazam.teachers.encoder import load_encoder
from shazam.teachers.entry import Loader, Pooling
from shazam.teachers.networks import Beside
from tests.teachers.made import DINOV2, HUB_ID, loaded, mirror_library, seeded, tiles
from tests.teachers.remote_code import CONFIGURATION, MODELING, remote_config

CODE = ("configuration_dinov2.py", "modeling_dinov2.py")
SPEC = replace(
    DINOV2, loader=Loader.REMOTE_CODE, architecture=None, kwargs={}, pooling=Pooling.POOLER
)
SETTINGS = {**DINOV2.kwargs, "num_register_tokens": 2}
ALLOWED = frozenset({"small"})


def library(root, *, allowed=ALLOWED, config=None, modeling=MODELING, configuration=CONFIGURATION):
    config = config or remote_config(**SETTINGS)
    beside = Beside(
        HUB_ID, remote_config(**SETTINGS), dict(zip(CODE, (CONFIGURATION, MODELING), strict=True))
    )
    state = seeded(SPEC, beside=beside).state_dict()
    files = {
        "model.safetensors": save({n: t.contiguous() for n, t in state.items()}),
        "config.json": json.dumps(config).encode(),
        CODE[0]: configuration.encode(),
        CODE[1]: modeling.encode(),
    }
    return mirror_library(root, SPEC, files, code=CODE, allowed=allowed)


def test_allowed_code_is_run_and_its_blocks_are_found(tmp_path):
    encoder = loaded(library(tmp_path))
    levels = encoder.encode(tiles(5))
    assert len(encoder.blocks) == 4
    assert {n: a.shape for n, a in levels.items()} == dict.fromkeys(("low", "mid", "high"), (5, 32))
    again = loaded(library(tmp_path / "again")).encode(tiles(5))
    assert all(np.array_equal(levels[level], again[level]) for level in levels)


def test_without_permission_it_is_said_what_would_be_run(tmp_path):
    harmful = "raise SystemExit('was run')\n"
    with pytest.raises(ConfigError) as caught:
        load_encoder(
            "small", device="cpu", library=library(tmp_path, allowed=frozenset(), modeling=harmful)
        )
    for text in (*CODE, HUB_ID, "extraction.allow_remote_code: [small]"):
        assert text in str(caught.value)


def test_altered_code_is_not_run(tmp_path):
    made = library(tmp_path)
    path = tmp_path / HUB_ID / CODE[1]
    path.write_text(MODELING.replace("import OwnConfig", "import  OwnConfig"))
    with pytest.raises(ArtifactError, match=r"modeling_dinov2\.py"):
        loaded(made)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("other/repository--modeling_dinov2.OwnModel", "not in its locked files"),
        ("absent.OwnModel", "not in its locked files"),
        ("os.system", "not in its locked files"),
        ("modeling_dinov2.Absent", "has no class Absent"),
        ("modeling_dinov2", "not in its locked files"),
        (None, "not in its locked files"),
    ],
)
def test_only_classes_of_the_locked_files_are_taken(tmp_path, reference, message):
    config = remote_config(**SETTINGS)
    config["auto_map"]["AutoModel"] = reference
    with pytest.raises(ArtifactError, match=message):
        loaded(library(tmp_path, config=config))


def test_its_own_repository_may_be_named(tmp_path):
    config = remote_config(**SETTINGS)
    config["auto_map"]["AutoModel"] = f"{HUB_ID}--modeling_dinov2.OwnModel"
    assert loaded(library(tmp_path, config=config)).encode(tiles(1))


def test_a_config_without_classes_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no auto_map"):
        loaded(library(tmp_path, config={"hidden_size": 32}))


def test_code_that_needs_what_is_not_here_is_a_configuration_error(tmp_path):
    broken = "import no_such_package_at_all\n" + MODELING
    with pytest.raises(ConfigError, match="no_such_package_at_all"):
        loaded(library(tmp_path, modeling=broken))


def test_a_number_of_blocks_that_cannot_be_read_is_an_error(tmp_path):
    hidden = CONFIGURATION + "\n    attribute_map = {'num_hidden_layers': 'depth'}\n    depth = 4\n"
    wrong = MODELING + (
        "\n    def __init__(self, config):"
        "\n        super().__init__(config)"
        "\n        self.config.depth = 77\n"
    )
    with pytest.raises(ConfigError, match="number of blocks cannot be read"):
        load_encoder(
            "small", device="cpu", library=library(tmp_path, modeling=wrong, configuration=hidden)
        )


def test_modules_of_one_name_in_two_repositories_are_kept_apart(tmp_path):
    first = loaded(library(tmp_path / "a"))
    other = MODELING + "\nMARK = 1\n"
    second = loaded(library(tmp_path / "b", modeling=other))
    assert first.encode(tiles(1))["low"].shape == second.encode(tiles(1))["low"].shape
    marked = [m for n, m in sys.modules.items() if n.startswith("_shazam_remote_")]
    assert {hasattr(m, "MARK") for m in marked if m.__name__.endswith("modeling_dinov2")} == {
        True,
        False,
    }
