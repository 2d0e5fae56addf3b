"""``seen.json`` of a bundle: what its members were trained on, under pseudonyms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shazam.cohort.model import Cohort
from shazam.cohort.seen import SeenByFold, SeenRecord
from shazam.errors import ArtifactError, ConfigError
from shazam.promotion.evidence.pseudonyms import KEY_FILE_VARIABLE, Pseudonyms


class KeyedSeen(BaseModel):
    """What the members of each fold were trained on; ``key_id`` tells under which key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["shazam-keyed-seen-1"] = "shazam-keyed-seen-1"
    key_id: str
    folds: tuple[SeenByFold, ...] = Field(min_length=1)

    @classmethod
    def of(cls, record: SeenRecord, *, pseudonyms: Pseudonyms) -> KeyedSeen:
        """Return a record without names."""
        folds = tuple(
            fold.model_copy(
                update={
                    "case_ids": tuple(sorted({*map(pseudonyms.case, fold.case_ids)})),
                    "slides_sha256": tuple(sorted({*map(pseudonyms.content, fold.slides_sha256)})),
                }
            )
            for fold in record.folds
        )
        return cls(key_id=pseudonyms.key_id, folds=folds)

    def within(self, cohort: Cohort, *, pseudonyms: Pseudonyms) -> SeenRecord:
        """Return the record by the names of a cohort; of others nothing can be told.

        Raises:
            ConfigError: it was made under another key: nobody can say what was seen.
        """
        if self.key_id != pseudonyms.key_id:
            raise ConfigError(
                f"seen.json: made under the key {self.key_id[:12]}, and this workspace has "
                f"{pseudonyms.key_id[:12]}: which of its cases the model was trained on cannot be "
                f"told; name the key file of the workspace that trained it in {KEY_FILE_VARIABLE}"
            )
        cases = {name for case in cohort.cases for name in (case.case_id, case.group_id)}
        contents = {slide.sha256 for slide in cohort.slides if slide.sha256}
        case_of = {name: pseudonyms.case(name) for name in sorted(cases)}
        content_of = {digest: pseudonyms.content(digest) for digest in sorted(contents)}
        folds = tuple(
            fold.model_copy(
                update={
                    "case_ids": _known(fold.case_ids, case_of),
                    "slides_sha256": _known(fold.slides_sha256, content_of),
                }
            )
            for fold in self.folds
        )
        return SeenRecord(folds=folds)


def read_keyed_seen(path: Path) -> KeyedSeen:
    """Return the record of a bundle.

    Raises:
        ArtifactError: there is none, or the file is no such record.
    """
    if not path.is_file():
        raise ArtifactError(
            f"{path}: missing, so it is not known what the model was trained on; train and "
            "register it again"
        )
    try:
        return KeyedSeen.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{path}: does not say what a model was trained on, in a form that is known here: "
            f"{error.error_count()} problem(s)"
        ) from error


def _known(keyed: tuple[str, ...], pseudonym_of: dict[str, str]) -> tuple[str, ...]:
    found = frozenset(keyed)
    return tuple(name for name, pseudonym in pseudonym_of.items() if pseudonym in found)
