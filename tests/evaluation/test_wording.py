"""Words of the report: nothing that can happen to a slide is left as a code."""

import pytest

from shazam import errors
from shazam.errors import SlideError
from shazam.evaluation.wording import reason_label

REASONS = {
    kind.reason
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SlideError) and kind is not SlideError
}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_words(reason):
    label = reason_label(reason)
    assert label != reason
    assert "_" not in label
