"""Progress lines say stage, slides done, slides/s and quarantined."""

import io

import pytest

from shazam.progress import LineProgress


def test_lines_show_stage_rate_and_quarantine():
    now_s = iter([0.0, 1.0, 6.0, 6.0, 6.0, 8.0]).__next__
    stream = io.StringIO()
    with LineProgress("tile", 4, stream=stream, clock=now_s) as progress:
        progress.advance()
        progress.quarantine("s2", "no_tissue")
        progress.advance()
    assert stream.getvalue().splitlines() == [
        "tile: quarantined s2: no_tissue",
        "tile: 2/4 slides running, 0.3 slides/s, 1 quarantined",
        "tile: 2/4 slides done, 0.2 slides/s, 1 quarantined",
    ]


def test_an_error_is_not_called_done():
    stream = io.StringIO()
    with pytest.raises(KeyError), LineProgress("tile", 4, stream=stream):
        raise KeyError
    assert "stopped" in stream.getvalue()


def test_a_note_is_a_line_of_its_own_at_once():
    stream = io.StringIO()
    with LineProgress("tile", 4, stream=stream) as progress:
        progress.note("s1: 3 tiles kept")
        assert stream.getvalue() == "tile: s1: 3 tiles kept\n"
