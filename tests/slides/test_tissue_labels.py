"""Agreement with tiles that were labelled by eye (1,270 sure ones and 212 with pen, 6 slides)."""

import pytest

from tests.slides.labelled import LABELS, agreement, labels_of

MIN_AGREEMENT = 0.98
MIN_PEN_OUT = 0.97


def test_the_labels_are_rows_of_one_width_with_at_least_forty_sure_tiles():
    assert len(LABELS) == 6
    for name in LABELS:
        rows = labels_of(name)["rows"]
        assert len({len(row) for row in rows}) == 1
        assert set("".join(rows)) <= set("T.P?")
        assert sum(letter != "?" for row in rows for letter in row) >= 40


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(LABELS))
def test_tiles_are_kept_where_the_eye_sees_tissue(name):
    found = agreement(name)
    assert found.n_agreed >= MIN_AGREEMENT * found.n
    assert found.n_pen_out >= MIN_PEN_OUT * found.n_pen


@pytest.mark.integration
def test_over_all_slides_agreement_is_nearly_complete():
    found = [agreement(name) for name in LABELS]
    assert (sum(one.n for one in found), sum(one.n_pen for one in found)) == (1270, 212)
    assert sum(one.n_agreed for one in found) >= 0.995 * 1270
    assert sum(one.n_pen_out for one in found) >= 0.99 * 212
