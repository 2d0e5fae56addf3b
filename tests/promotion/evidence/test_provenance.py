"""The commit of the code, with and without its history."""

from shazam.promotion.evidence.provenance import NOT_KNOWN, git_commit


def test_code_without_history_takes_the_commit_of_its_image(tmp_path, monkeypatch):
    monkeypatch.setenv("SHAZAM_GIT_COMMIT", "f" * 40)
    assert git_commit(tmp_path) == "f" * 40


def test_else_it_is_not_known(tmp_path, monkeypatch):
    monkeypatch.delenv("SHAZAM_GIT_COMMIT", raising=False)
    assert git_commit(tmp_path) == NOT_KNOWN
