from dataclasses import fields, replace

import pytest

from shazam.errors import ConfigError
from shazam.teachers.catalogue import (
    Handcrafted,
    PackagedModel,
    identity,
    teacher_entry,
    teacher_names,
)

LITE0 = teacher_entry("efficientnet_lite0")


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match="colour_statistics"):
        teacher_entry("uni_v9")


def test_every_entry_has_an_identity_of_its_own():
    identities = [identity(teacher_entry(name)) for name in teacher_names()]
    assert [entry.name for entry in identities] == list(teacher_names())
    assert len({entry.weights_sha256 for entry in identities}) == len(identities)
    assert len({entry.transform_sha256 for entry in identities}) == len(identities)


def test_every_field_of_the_transform_changes_the_identity():
    assert LITE0.transform is not None
    for field in fields(LITE0.transform):
        value = getattr(LITE0.transform, field.name)
        match value:
            case str():
                other = f"{value}x"
            case tuple():
                other = (0.1, 0.2, 0.3)
            case _:
                other = value + 1
        changed = replace(LITE0, transform=replace(LITE0.transform, **{field.name: other}))
        assert identity(changed).transform_sha256 != identity(LITE0).transform_sha256


def test_weights_and_definition_change_the_identity():
    assert isinstance(LITE0.source, PackagedModel)
    other = replace(LITE0, source=replace(LITE0.source, sha256="0" * 64))
    assert identity(other).weights_sha256 != identity(LITE0).weights_sha256
    colour = teacher_entry("colour_statistics")
    other = replace(colour, source=Handcrafted("other"))
    assert identity(other) != identity(colour)
