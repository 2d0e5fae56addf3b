"""Everything that changes the bytes of features changes the identity of their teacher."""

from dataclasses import fields, replace

import pytest

from shazam.errors import ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.catalogue import shipped_catalogue
from shazam.teachers.entry import (
    Handcrafted,
    Interpolation,
    Loader,
    Network,
    Pooling,
    Taps,
    Transform,
)
from shazam.teachers.identity import identity
from shazam.teachers.lock import Lock, LockedFile, LockedTeacher

CATALOGUE = shipped_catalogue()
LITE0 = CATALOGUE.entry("efficientnet_lite0")
H0 = CATALOGUE.entry("h0_mini")
OTHER = {
    "mean": (0.1, 0.2, 0.3),
    "std": (0.1, 0.2, 0.3),
    "input_px": 225,
    "resize_px": 300,
    "interpolation": Interpolation.BILINEAR,
    "loader": Loader.TRANSFORMERS,
    "architecture": "resnet18",
    "kwargs": {"a": 1},
    "pooling": Pooling.CLS,
    "taps": Taps(1, 2),
    "blocks": 9,
    "patch_px": 8,
    "registers": 1,
    "norm_intermediates": True,
    "fold_batch_norm": False,
    "channels_last": False,
    "bfloat16": True,
}


def locked(**changes) -> LockedTeacher:
    files = (
        LockedFile(file="model.safetensors", sha256="1" * 64, size_bytes=10),
        LockedFile(file="config.json", sha256=changes.pop("config", "2" * 64), size_bytes=10),
    )
    given = {"hub_id": "bioptimus/H0-mini", "revision": "a" * 40, "files": files, **changes}
    return LockedTeacher(**given)


def of_lock(**changes) -> TeacherIdentity:
    return identity(H0, Lock(teachers={"h0_mini": locked(**changes)}))


def test_teachers_that_ship_have_identities_of_their_own():
    names = ("efficientnet_lite0", "efficientnet_lite1", "colour_statistics")
    identities = [identity(CATALOGUE.entry(name)) for name in names]
    assert [found.name for found in identities] == list(names)
    assert len({found.weights_sha256 for found in identities}) == len(names)
    assert len({found.transform_sha256 for found in identities}) == len(names)


@pytest.mark.parametrize("part", ["network", "transform"])
def test_every_field_of_the_network_and_the_transform_counts(part):
    kind = {"network": Network, "transform": Transform}[part]
    for field in fields(kind):
        value = getattr(LITE0, part)
        assert getattr(value, field.name) != OTHER[field.name]
        changed = replace(LITE0, **{part: replace(value, **{field.name: OTHER[field.name]})})
        assert identity(changed).transform_sha256 != identity(LITE0).transform_sha256, field.name


def test_weights_and_definition_count():
    other = replace(LITE0, source=replace(LITE0.source, sha256="0" * 64))
    assert identity(other).weights_sha256 != identity(LITE0).weights_sha256
    colour = CATALOGUE.entry("colour_statistics")
    assert identity(replace(colour, source=Handcrafted("other"))) != identity(colour)
    assert identity(replace(colour, revision="2")) != identity(colour)


def test_a_hub_teacher_is_what_its_lock_entry_says():
    found = of_lock()
    assert (found.revision, found.weights_sha256) == ("a" * 40, "1" * 64)
    assert of_lock(revision="b" * 40).revision == "b" * 40
    assert of_lock(config="3" * 64).transform_sha256 != found.transform_sha256


def test_a_hub_teacher_without_a_lock_entry_says_what_to_run():
    with pytest.raises(ConfigError, match="shazam teachers fetch h0_mini"):
        identity(H0)


def test_a_lock_entry_of_another_repository_is_refused():
    with pytest.raises(ConfigError, match="locked as some/other"):
        of_lock(hub_id="some/other")
