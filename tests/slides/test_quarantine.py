import pytest

from shazam.errors import ConfigError, NoTissueError, QuarantineExceededError
from shazam.manifests import QuarantineEntry
from shazam.slides.quarantine import attempt, check_fraction

SHA256 = "a" * 64


def entry(slide_id: str) -> QuarantineEntry:
    return QuarantineEntry(
        slide_id=slide_id,
        slide_sha256=SHA256,
        stage="tile",
        error="NoTissueError",
        reason="no_tissue",
        message="nothing there",
    )


def raising(error: BaseException):
    def work():
        raise error

    return work


def test_good_work_is_handed_through():
    assert attempt(lambda: 7, slide_id="S1", slide_sha256=SHA256, stage="tile") == 7


def test_a_bad_slide_becomes_an_entry_with_its_named_reason():
    work = raising(NoTissueError("nothing there"))
    assert attempt(work, slide_id="S1", slide_sha256=SHA256, stage="tile") == entry("S1")


@pytest.mark.parametrize(
    "error", [ConfigError("x"), OSError(28, "no space"), ValueError("x"), KeyboardInterrupt()]
)
def test_what_is_no_fault_of_the_slide_stops_the_run(error):
    with pytest.raises(type(error)):
        attempt(raising(error), slide_id="S1", slide_sha256=SHA256, stage="tile")


def test_as_many_as_allowed_may_be_quarantined():
    check_fraction([entry("S1"), entry("S1")], n_slides=10, max_fraction=0.1)
    check_fraction([], n_slides=10, max_fraction=0.0)


@pytest.mark.parametrize(("n_slides", "max_fraction"), [(19, 0.1), (2, 1.0)])
def test_too_many_or_all_stop_the_run_and_are_listed(n_slides, max_fraction):
    with pytest.raises(QuarantineExceededError, match=r"S1: no_tissue(.|\n)*S2: no_tissue"):
        check_fraction([entry("S1"), entry("S2")], n_slides=n_slides, max_fraction=max_fraction)
