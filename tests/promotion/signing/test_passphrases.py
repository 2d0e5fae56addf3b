"""A passphrase from a file: for whoever cannot type, read by its owner alone, and never shown."""

import pytest

from shazam.errors import ConfigError
from shazam.promotion.signing.key_files import read_private_key, write_private_key
from shazam.promotion.signing.keys import KeyKind, PrivateKey
from shazam.promotion.signing.passphrases import FILE_VARIABLE, given_passphrases
from tests.command import shazam

PASSPHRASE = "four words are enough"


def named(tmp_path, content, mode=0o600):
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(mode)
    return {FILE_VARIABLE: str(path)}


def test_without_a_file_a_passphrase_is_typed():
    assert given_passphrases(1, environment={}) is None
    assert given_passphrases(1, environment={FILE_VARIABLE: ""}) is None


@pytest.mark.parametrize(
    ("content", "n_keys", "found"),
    [
        (b"one two three\n", 2, ("one two three", "one two three")),
        (b" spaces stay \r\n", 1, (" spaces stay ",)),
        (b"for root a\nfor root b\n", 2, ("for root a", "for root b")),
        (b"nobody asks", 0, ()),
    ],
)
def test_a_line_is_for_all_keys_or_each_has_its_own(tmp_path, content, n_keys, found):
    assert given_passphrases(n_keys, environment=named(tmp_path, content)) == found


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    with pytest.raises(ConfigError, match="others may read this file of passphrases; chmod 600"):
        given_passphrases(1, environment=named(tmp_path, b"secret words", mode))


@pytest.mark.parametrize(
    ("content", "n_keys"), [(b"", 1), (b"\n", 1), (b"secret\n\n", 2), (b"\xffsecret", 1)]
)
def test_what_is_no_passphrase_is_refused_without_showing_it(tmp_path, content, n_keys):
    with pytest.raises(ConfigError) as told:
        given_passphrases(n_keys, environment=named(tmp_path, content))
    assert "secret" not in f"{told.value}{told.value.__cause__}"


def test_another_number_of_lines_and_a_missing_file_are_told(tmp_path):
    with pytest.raises(ConfigError, match=r"2 lines, and 3 key\(s\) have a passphrase"):
        given_passphrases(3, environment=named(tmp_path, b"secret a\nsecret b\n"))
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        given_passphrases(1, environment={FILE_VARIABLE: str(tmp_path / "absent")})


def test_a_key_is_made_without_anybody_who_types(tmp_path):
    environment = named(tmp_path, PASSPHRASE.encode())
    made = shazam("registry", "key", tmp_path / "key.pem", environment=environment)
    assert made.code == 0, made.text
    assert PASSPHRASE not in made.text
    own = read_private_key(tmp_path / "key.pem", passphrase=PASSPHRASE)
    assert own.public.pem == made.out


def test_a_wrong_passphrase_is_not_shown(tmp_path, monkeypatch):
    from shazam.cli.registry_options import hand_of

    key = tmp_path / "key.pem"
    write_private_key(key, PrivateKey.generate(KeyKind.P256), passphrase=PASSPHRASE)
    wrong = named(tmp_path, b"these words are others")
    monkeypatch.setenv(FILE_VARIABLE, wrong[FILE_VARIABLE])
    with pytest.raises(ConfigError, match="wrong passphrase") as told:
        hand_of([key])
    assert "others" not in str(told.value)
