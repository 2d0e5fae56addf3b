"""Import the features of one teacher for a cohort and publish the manifest of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shazam.errors import CohortError
from shazam.features.imports.bags import Bag, find_bags
from shazam.features.imports.importing import STAGE, import_bags
from shazam.features.imports.planned import PlannedImport
from shazam.ids import without_slide_suffix
from shazam.manifests import QuarantineEntry
from shazam.progress import console_progress
from shazam.refs import FeaturesRef
from shazam.slides import check_fraction
from shazam.workspace import Workspace

NO_CASE = "no_case"


@dataclass(frozen=True, slots=True)
class KnownCases:
    """The cases of a cohort; ``by_slide`` holds the case of each slide that its table names."""

    case_ids: frozenset[str]
    by_slide: Mapping[str, str]

    def name_of(self, slide_id: str) -> str:
        """Return what the table calls a slide, which features may name as its file."""
        name = without_slide_suffix(slide_id)
        return name if slide_id not in self.by_slide and name in self.by_slide else slide_id

    def case_of(self, slide_id: str) -> str:
        """Return the case of a slide; one that the table does not name is a case of its own."""
        name = self.name_of(slide_id)
        return self.by_slide.get(name, name)


def publish_import(
    planned: PlannedImport,
    *,
    known: KnownCases,
    max_quarantine_fraction: float,
    workspace: Workspace,
) -> FeaturesRef:
    """Import one teacher's features and publish the manifest that the next stage reads.

    Features of no case of the cohort are set aside, each with its name.

    Args:
        planned: what is imported.
        known: the cases that the features belong to.
        max_quarantine_fraction: how much may be set aside, 0 to 1.
        workspace: where everything goes.

    Raises:
        ConfigError: the files are not understood, or fit no case of the cohort.
        QuarantineExceededError: more was set aside than allowed.
    """
    teacher = planned.teacher.name
    bags, strangers = _bags(planned, known=known)
    imported = import_bags(
        bags,
        teacher=planned.teacher,
        options=planned.options,
        workspace=workspace,
        write=True,
        max_quarantine_fraction=max_quarantine_fraction,
        progress=lambda total: console_progress(f"import {teacher}", total),
    )
    manifest = imported.manifest.model_copy(
        update={"quarantine": (*imported.manifest.quarantine, *strangers)}
    )
    check_fraction(
        manifest.quarantine,
        n_slides=len(bags) + len(strangers),
        max_fraction=max_quarantine_fraction,
    )
    uri, sha256 = workspace.write_manifest(STAGE, manifest)
    return FeaturesRef(
        uri=uri,
        sha256=sha256,
        teachers=(teacher,),
        n_slides=len(manifest.slides),
        n_tiles=sum(slide.n_tiles for slide in manifest.slides),
        n_quarantined=len(manifest.quarantine),
    )


def _bags(
    planned: PlannedImport, *, known: KnownCases
) -> tuple[tuple[Bag, ...], tuple[QuarantineEntry, ...]]:
    found = find_bags(planned.files, options=planned.options, case_of=known.case_of)
    taken = {bag.slide_id for bag in found}
    bags = tuple(
        bag if (name := known.name_of(bag.slide_id)) in taken else replace(bag, slide_id=name)
        for bag in found
    )
    _check_same_case(bags, known.by_slide)
    ours = tuple(bag for bag in bags if bag.case_id in known.case_ids)
    if not ours:
        raise CohortError(
            "imports",
            [
                f"teacher '{planned.teacher.name}': no features belong to a case of the table; "
                f"they are named such as '{bags[0].slide_id}', cases such as "
                f"'{min(known.case_ids, default='')}'. Name them by case_id, or add slide_id to "
                "the table"
            ],
        )
    strangers = tuple(
        _without_case(bag, teacher=planned.teacher.name)
        for bag in bags
        if bag.case_id not in known.case_ids
    )
    return ours, strangers


def _check_same_case(bags: Sequence[Bag], case_of_slide: Mapping[str, str]) -> None:
    problems = [
        f"slide '{bag.slide_id}' belongs to case '{case_of_slide[bag.slide_id]}' in the table and "
        f"to case '{bag.case_id}' in the feature map"
        for bag in bags
        if case_of_slide.get(bag.slide_id, bag.case_id) != bag.case_id
    ]
    if problems:
        raise CohortError("imports", problems)


def _without_case(bag: Bag, *, teacher: str) -> QuarantineEntry:
    return QuarantineEntry(
        slide_id=bag.slide_id,
        slide_sha256=bag.hashed.sha256,
        stage=f"{STAGE}:{teacher}",
        error=CohortError.__name__,
        reason=NO_CASE,
        message=f"teacher '{teacher}': no row of the cohort table has this case or slide",
    )
