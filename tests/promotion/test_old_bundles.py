"""Signed bundles that were once made verify for ever. Never write the files of this test anew."""

import pytest

from shazam.errors import SignatureError
from shazam.promotion.signing.bundle_signature import verify_bundle
from shazam.promotion.signing.keys import PublicKey
from shazam.stages import SOURCE_ROOT

FOLDER = SOURCE_ROOT / "tests" / "promotion" / "fixtures" / "bundles"
DIGEST = "5e46feeb4c2da34ed37d5a8b633d66350902780013004609d9ce0149b87418ef"


def key_of(kind: str) -> PublicKey:
    return PublicKey.from_pem((FOLDER / f"v2-{kind}" / "public.pem").read_text())


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_bundle_of_the_second_form_verifies(kind):
    bundle = verify_bundle(FOLDER / f"v2-{kind}" / "bundle", [key_of(kind)], expected_sha256=DIGEST)
    assert set(bundle.files) == {
        *("metrics.json", "models/student.json", "models/student.safetensors"),
    }


def test_the_key_of_one_does_not_verify_the_other():
    with pytest.raises(SignatureError, match="not among those given"):
        verify_bundle(FOLDER / "v2-p256" / "bundle", [key_of("ed25519")])
