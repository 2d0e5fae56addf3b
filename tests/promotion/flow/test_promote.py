"""Promotion, rollback and retirement as people do them: ledger and aliases move together."""

import shutil

import pytest

from shazam.errors import ArtifactError, LedgerError, RefusedError, SignatureError
from shazam.promotion.flow import promote as promotion
from shazam.promotion.flow.load import open_champion
from shazam.promotion.flow.proposals import approve, reject, withdraw
from shazam.promotion.flow.verify import findings
from shazam.promotion.signing.bundle_signature import sign_bundle
from tests.promotion.builder import KEYS
from tests.promotion.flow.world import MODEL, WHY, hand


def refused(reason):
    return pytest.raises(RefusedError, check=lambda error: error.reason == reason)


def test_a_bundle_becomes_champion_and_is_loaded(world):
    bundle = world.crown("one")
    champion = open_champion(MODEL, registry=world.registry, place=world.place)
    assert champion.bundle.sha256 == bundle
    assert world.store.aliases == {"champion": champion.version}
    assert world.ledger.head().seq == champion.seq == 8


def test_the_approvals_and_overrides_are_shown_beside_the_version(world):
    bundle = world.bundle("one")
    proposal = world.propose(bundle)
    failed = {"floor": False, "no_leak": True}
    world.record(proposal, verdict="cross_validation", found=failed)
    world.record(proposal, verdict="locked")
    why = "the floor was missed by 0.001 in 400 cases; the older model is withdrawn"
    for person in ("ann", "ben", "cem"):
        approve(
            proposal,
            gates=world.verdicts(proposal),
            overridden=["floor"],
            registry=world.registry,
            by=hand(person),
            reason=why,
        )
    world.promote(proposal)
    card = world.store.attached["1"].decode()
    assert "**Promoted although these gates failed: floor.**" in card
    assert '- Cem Cay (engineering), entry 7: "I reviewed the evidence and approve' in card
    assert card.count(why) == 3


def test_repeating_is_no_new_entry(world):
    bundle = world.bundle("one")
    proposal = world.approved(bundle)
    first = world.promote(proposal)
    assert world.promote(proposal) == first
    assert world.propose(world.bundle("two")) == world.propose(world.bundle("two"))
    head = world.ledger.head()
    assert world.promote(proposal).entry.seq == first.entry.seq
    assert world.ledger.head() == head


def test_a_verdict_that_is_recorded_again_is_no_new_entry(world):
    proposal = world.propose(world.bundle("one"))
    first = world.record(proposal, verdict="cross_validation")
    assert world.record(proposal, verdict="cross_validation") == first
    with refused("verdict_already"):
        world.record(proposal, verdict="cross_validation", found={"floor": False})


def test_what_was_rejected_or_withdrawn_is_not_promoted(world):
    for closing in (reject, withdraw):
        proposal = world.approved(world.bundle(closing.__name__))
        closing(proposal, registry=world.registry, by=hand("ben"), reason=WHY)
        with refused("closed"):
            world.promote(proposal)
    assert world.store.aliases == {}


def test_a_bundle_that_the_store_lost_or_changed_is_not_promoted(world):
    bundle = world.bundle("one")
    proposal = world.approved(bundle)
    head = world.ledger.head()
    shutil.rmtree(world.workspace.path(f"bundles/{bundle}"))
    world.store.folders["1"].joinpath("models/student.safetensors").write_bytes(b"other")
    with pytest.raises(ArtifactError, match="altered"):
        world.promote(proposal)
    world.store.digests["1"] = "0" * 64
    with refused("other_bundle"):
        world.promote(proposal)
    assert world.ledger.head() == head
    assert world.store.aliases == {}


def test_an_alias_that_moved_behind_our_back_stops_everything(world):
    world.crown("one")
    world.bundle("two")
    world.store.aliases["champion"] = "2"
    with refused("alias_moved"):
        open_champion(MODEL, registry=world.registry, place=world.place)
    with refused("alias_moved"):
        world.promote(world.approved(world.bundle("three")))
    (found,) = findings(world.registry.read(), place=world.place)
    assert "'champion' points at version 2, and the ledger says version 1" in found.what


def test_a_deleted_version_is_found(world):
    world.crown("one")
    del world.store.digests["1"]
    (found,) = findings(world.registry.read(), place=world.place)
    assert "the store says bundle none" in found.what
    with refused("other_bundle"):
        open_champion(MODEL, registry=world.registry, place=world.place)


def test_a_changed_byte_of_the_champion_is_not_loaded(world):
    bundle = world.crown("one")
    target = world.workspace.path(f"bundles/{bundle}") / "models" / "student.safetensors"
    content = bytearray(target.read_bytes())
    content[7] ^= 1
    target.chmod(0o644)
    target.write_bytes(content)
    with pytest.raises(ArtifactError, match="altered"):
        open_champion(MODEL, registry=world.registry, place=world.place)


def test_a_champion_whose_signature_is_gone_from_the_store_is_not_loaded(world):
    bundle = world.crown("one")
    (world.store.folders["1"] / "bundle.sig").unlink()
    (found,) = findings(world.registry.read(), place=world.place)
    assert "bundle.sig: missing" in found.what
    shutil.rmtree(world.workspace.path(f"bundles/{bundle}"))
    with pytest.raises(ArtifactError, match=r"bundle\.sig: missing"):
        open_champion(MODEL, registry=world.registry, place=world.place)


def test_a_workspace_that_made_a_bundle_takes_its_signature_from_the_store(world):
    bundle = world.crown("one")
    signature = world.workspace.path(f"bundles/{bundle}") / "bundle.sig"
    signature.unlink()
    found = open_champion(MODEL, registry=world.registry, place=world.place)
    assert found.bundle.sha256 == bundle
    assert signature.read_bytes() == (world.store.folders["1"] / "bundle.sig").read_bytes()


@pytest.mark.parametrize("key", [None, "stranger"])
def test_a_bundle_without_a_signature_that_holds_is_not_promoted(world, key):
    proposal = world.approved(world.bundle("one"))
    (world.store.folders["1"] / "bundle.sig").unlink()
    if key is not None:
        sign_bundle(world.store.folders["1"], KEYS[key])
    head = world.ledger.head()
    with pytest.raises((ArtifactError, SignatureError), match=r"bundle\.sig"):
        world.promote(proposal)
    assert (world.ledger.head(), world.store.aliases) == (head, {})


def test_without_the_trust_file_nothing_is_loaded_or_done(world):
    world.crown("one")
    world.trust.unlink()
    with pytest.raises(LedgerError, match="trust file"):
        open_champion(MODEL, registry=world.registry, place=world.place)
    with pytest.raises(LedgerError, match="trust file"):
        world.roll_back()


def test_a_restored_old_database_is_refused(world):
    world.crown("one")
    old = (world.root / "ledger.db").read_bytes()
    world.crown("two")
    (world.root / "ledger.db").write_bytes(old)
    with pytest.raises(LedgerError, match="cut short, or is an old copy"):
        open_champion(MODEL, registry=world.registry, place=world.place)


def test_a_rollback_brings_back_the_previous_bytes_and_asks_for_a_second_person(world):
    first = world.crown("one")
    world.crown("two")
    done = world.roll_back()
    assert open_champion(MODEL, registry=world.registry, place=world.place).bundle.sha256 == first
    assert world.store.aliases == {"champion": "1"}
    (found,) = findings(world.registry.read(), place=world.place)
    assert "awaits the signature of a second person" in found.what
    promotion.countersign(done.entry.subject, registry=world.registry, by=hand("ann"), reason=WHY)
    assert list(findings(world.registry.read(), place=world.place)) == []


def test_a_rollback_to_bytes_that_are_not_all_there_touches_nothing(world):
    first = world.crown("one")
    world.crown("two")
    shutil.rmtree(world.workspace.path(f"bundles/{first}"))
    (world.store.folders["1"] / "metrics.json").unlink()
    head, aliases = world.ledger.head(), dict(world.store.aliases)
    with pytest.raises(ArtifactError, match=r"metrics\.json"):
        world.roll_back()
    assert (world.ledger.head(), world.store.aliases) == (head, aliases)


def test_a_retired_bundle_leaves_every_alias(world):
    bundle = world.crown("one")
    promotion.retire(
        MODEL, bundle, registry=world.registry, place=world.place, by=hand("ann"), reason=WHY
    )
    assert world.store.aliases == {}
    with refused("no_champion"):
        open_champion(MODEL, registry=world.registry, place=world.place)


def test_a_recalled_champion_is_not_loaded_and_recalled_once(world):
    bundle = world.crown("one")
    first = promotion.recall(MODEL, bundle, registry=world.registry, by=hand("ben"), reason=WHY)
    again = promotion.recall(MODEL, bundle, registry=world.registry, by=hand("ann"), reason=WHY)
    assert first == again
    (found,) = findings(world.registry.read(), place=world.place)
    assert "was recalled" in found.what
    with refused("recalled"):
        open_champion(MODEL, registry=world.registry, place=world.place)


def test_an_approval_says_until_when_it_is_good(world):
    proposal = world.propose(world.bundle("one"))
    world.record(proposal, verdict="cross_validation")
    made = world.approve(proposal, by="ann")
    (approval,) = world.registry.read().state.proposals[proposal].approvals
    assert approval.seq == made.entry.seq
    assert 13 < (approval.expires - made.entry.time).total_seconds() / 86400 <= 14


def test_a_verdict_that_comes_after_the_look_is_not_signed_for(world):
    """Between the recomputation and the signature another verdict is recorded: not approved."""
    proposal = world.propose(world.bundle("one"))
    world.record(proposal, verdict="cross_validation")
    looked_at = world.verdicts(proposal)
    world.record(proposal, verdict="locked")
    head = world.ledger.head()
    for gates in (looked_at, ()):
        with refused("gates_not_seen"):
            approve(proposal, gates=gates, registry=world.registry, by=hand("ann"), reason=WHY)
    assert world.ledger.head() == head


def test_what_has_no_verdict_is_not_approved(world):
    proposal = world.propose(world.bundle("one"))
    with refused("no_verdict"):
        world.approve(proposal, by="ann")


# what somebody with all rights on the model store can do


def lose(world, version):
    (world.store.folders[version] / "models/student.safetensors").write_bytes(b"other")


def test_what_the_store_has_no_more_is_not_brought_into_use_from_a_copy_of_the_workspace(world):
    """Others fetch the champion from the store: the copy here is of no use to them."""
    first = world.crown("one")
    world.crown("two")
    proposal = world.approved(world.bundle("three"))
    assert world.workspace.path(f"bundles/{first}").is_dir()
    lose(world, "1")
    lose(world, "3")
    head, aliases = world.ledger.head(), dict(world.store.aliases)
    for change in (world.roll_back, lambda: world.promote(proposal)):
        with pytest.raises(ArtifactError, match="altered"):
            change()
    assert (world.ledger.head(), world.store.aliases) == (head, aliases)
    (found,) = findings(world.registry.read(), place=world.place)
    assert found.what.startswith("version 1: ")


def test_a_version_that_claims_the_champions_digest_keeps_nobody_from_loading_it(world):
    bundle = world.crown("one")
    decoy = world.root / "decoy"
    shutil.copytree(world.store.folders["1"], decoy)
    world.store.folders["0"], world.store.digests = decoy, {"0": bundle, **world.store.digests}
    lose(world, "0")
    shutil.rmtree(world.workspace.path(f"bundles/{bundle}"))
    champion = open_champion(MODEL, registry=world.registry, place=world.place)
    assert (champion.version, champion.bundle.sha256) == ("1", bundle)


def test_an_alias_of_a_model_that_was_only_proposed_is_found(world):
    world.propose(world.bundle("one"))
    assert list(findings(world.registry.read(), place=world.place)) == []
    world.store.aliases["champion"] = "1"
    (found,) = findings(world.registry.read(), place=world.place)
    assert "points at version 1, and the ledger says nothing" in found.what


@pytest.mark.parametrize("digest", ["0" * 64, None])
def test_a_tag_that_was_edited_stops_everything(world, digest):
    world.crown("one")
    world.crown("two")
    for version in ("1", "2"):
        world.store.digests.pop(version)
        if digest is not None:
            world.store.digests[version] = digest
    with refused("other_bundle"):
        open_champion(MODEL, registry=world.registry, place=world.place)
    with refused("other_bundle"):
        world.roll_back()
    assert len(list(findings(world.registry.read(), place=world.place))) == 2
