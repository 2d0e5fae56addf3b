"""An arm on disk: safetensors for the numbers, JSON for what they mean. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import Entry, Sha256, TeacherIdentity
from shazam.models.absent import WithAbsent
from shazam.models.arm import ArmResult, Member, MemberRecord, load_network
from shazam.models.curves import curve_table
from shazam.models.heads import Head, scores_of
from shazam.models.mean_curves import mean_curves
from shazam.models.score import outputs_of, score_columns, score_table
from shazam.models.segments import BagSource
from shazam.models.specs import ArmSpec, CrossAttentionSpec, StudentSpec
from shazam.predictions import N_MISSING
from shazam.publish import publish, publish_json

_VALIDATION_RISKS = "validation_risks"


class ArmManifest(Entry):
    """The JSON of an arm: networks, outputs, members, teachers with licences, provenance.

    ``tensors_sha256`` is the digest of the safetensors file; ``provenance`` names digests of
    what the arm was fitted on.
    """

    format: Literal["shazam-arm-1"] = "shazam-arm-1"
    arm: str
    spec: ArmSpec
    head: Head
    classes: tuple[str, ...]
    targets: tuple[str, ...] = ()
    members: tuple[MemberRecord, ...]
    teachers: tuple[TeacherIdentity, ...]
    provenance: dict[str, str]
    tensors_sha256: str = Sha256


@dataclass(frozen=True, slots=True)
class Ensemble:
    """All members of an arm as one model.

    Args:
        manifest: what they are.
        members: in the manifest's order.
        networks: one per member, in evaluation mode.
    """

    manifest: ArmManifest
    members: tuple[Member, ...]
    networks: tuple[nn.Module, ...]

    def predict(self, bags: BagSource) -> pd.DataFrame:
        """Return ``case_id`` and ``risk``, or ``prob_<class>`` or ``value_<target>`` of each.

        A member's risks are standardised by its own inner-validation risks, then averaged over
        members; class probabilities, and values in the units of the cohort table, are averaged.

        Where cases lack teachers, ``n_teachers_missing`` counts them. A student also reads bags
        in which teachers do not stand at all, as when one patient has not been seen by them.

        Raises:
            ConfigError: the bags lack a level of a teacher, or a teacher that the arm cannot do
                without.
        """
        return self._predicted(self._completed(bags))[0]

    def predict_with_curves(self, bags: BagSource) -> pd.DataFrame:
        """Return the same as :meth:`predict`, with survival curves where all members tell them.

        Raises:
            ConfigError: as of :meth:`predict`.
        """
        table, outputs = self._predicted(self._completed(bags))
        head = self.manifest.head
        curves = [
            curve_table(own.double().numpy(), head=head, record=member.record)
            for member, own in zip(self.members, outputs, strict=True)
        ]
        return pd.concat([table, mean_curves(curves)], axis=1)

    def _predicted(self, bags: BagSource) -> tuple[pd.DataFrame, list[Tensor]]:
        """Return the table of scores, and the outputs of each member."""
        head = self.manifest.head
        outputs = [outputs_of(network, bags) for network in self.networks]
        scores = [
            standardised(scores_of(own, head=head), member=member)
            for member, own in zip(self.members, outputs, strict=True)
        ]
        columns = score_columns(
            head=self.manifest.head, classes=self.manifest.classes, targets=self.manifest.targets
        )
        table = score_table(np.mean(scores, axis=0), case_ids=bags.case_ids, columns=columns)
        if bags.present:
            read = {teacher for teacher, _ in self.manifest.spec.sources()}
            masks = [mask for teacher, mask in bags.present.items() if teacher in read]
            table[N_MISSING] = sum((~mask).double().numpy() for mask in masks)
        return table, outputs

    def _completed(self, bags: BagSource) -> BagSource:
        spec = self.manifest.spec
        missing = [source for source in spec.sources() if source not in bags.dims]
        seen = {teacher for teacher, _ in spec.sources()} & {teacher for teacher, _ in bags.dims}
        lacks_level = any(teacher in seen for teacher, _ in missing)
        if not missing:
            return bags
        if not isinstance(spec, StudentSpec | CrossAttentionSpec) or lacks_level or not seen:
            raise ConfigError(f"{self.manifest.arm} needs features of {missing}; extract them")
        return WithAbsent(bags, {source: spec.dims()[source] for source in missing})


def save_arm(
    result: ArmResult,
    *,
    json_path: Path,
    safetensors_path: Path,
    teachers: Sequence[TeacherIdentity],
    provenance: Mapping[str, str],
) -> ArmManifest:
    """Publish an arm as two files; equal arms give equal bytes.

    Args:
        result: the fitted arm.
        json_path: where its description goes.
        safetensors_path: where its tensors go, named ``fold<f>.seed<s>.<name>``.
        teachers: identities of the teachers it reads; others are left out.
        provenance: digests by name, such as those of the features, splits and config.

    Raises:
        ConfigError: a teacher the arm reads is not among ``teachers``.
    """
    tensors = {
        f"{_prefix(member.record)}{name}": tensor.contiguous()
        for member in result.members
        for name, tensor in _named(member).items()
    }

    def write(path: Path) -> None:
        save_file(tensors, path)

    def check(path: Path) -> None:
        if set(_read_tensors(path)) != set(tensors):
            raise ArtifactError(f"{path}: the disk gave back other tensors than were written")

    manifest = ArmManifest(
        arm=result.arm,
        spec=result.spec,
        head=result.head,
        classes=result.classes,
        targets=result.targets,
        members=tuple(member.record for member in result.members),
        teachers=_used(result, teachers=teachers),
        provenance=dict(provenance),
        tensors_sha256=publish(safetensors_path, write, check=check),
    )
    publish_json(json_path, manifest)
    return manifest


def load_ensemble(json_path: Path, safetensors_path: Path) -> Ensemble:
    """Return the arm that two files hold.

    Raises:
        ArtifactError: a file is missing, altered, or does not belong to the other.
    """
    try:
        manifest = ArmManifest.model_validate_json(json_path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ArtifactError(f"{json_path}: not the description of an arm: {error}") from error
    tensors = _read_tensors(safetensors_path)
    if digest_of_file(safetensors_path) != manifest.tensors_sha256:
        raise ArtifactError(f"{safetensors_path}: not the tensors that {json_path.name} names")
    members = tuple(_member(record, tensors=tensors) for record in manifest.members)
    networks = tuple(load_network(manifest.spec, member=member) for member in members)
    return Ensemble(manifest=manifest, members=members, networks=networks)


def standardised(scores: npt.NDArray[np.float64], *, member: Member) -> npt.NDArray[np.float64]:
    """Return a member's scores so that those of members compare, ``[n_cases, n_scores]``.

    Risks are standardised by its inner validation, values are in the units of the cohort table.
    """
    if member.validation_risks is None:
        return member.record.in_units(scores)
    reference = member.validation_risks.numpy()
    sd = float(reference.std())
    standard: npt.NDArray[np.float64] = (scores - reference.mean()) / (sd if sd > 0 else 1.0)
    return standard


def _named(member: Member) -> dict[str, Tensor]:
    named = dict(member.tensors)
    if member.validation_risks is not None:
        named[_VALIDATION_RISKS] = member.validation_risks
    return named


def _member(record: MemberRecord, *, tensors: Mapping[str, Tensor]) -> Member:
    prefix = _prefix(record)
    own = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    validation_risks = own.pop(_VALIDATION_RISKS, None)
    return Member(record=record, tensors=own, validation_risks=validation_risks)


def _prefix(record: MemberRecord) -> str:
    return f"fold{record.fold}.seed{record.seed}."


def _used(result: ArmResult, *, teachers: Sequence[TeacherIdentity]) -> tuple[TeacherIdentity, ...]:
    names = tuple(dict.fromkeys(name for name, _ in result.spec.sources()))
    known = {teacher.name: teacher for teacher in teachers}
    if missing := sorted(set(names) - set(known)):
        raise ConfigError(f"{result.arm} reads teachers of unknown identity: {', '.join(missing)}")
    return tuple(known[name] for name in names)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path}: not a readable safetensors file: {error}") from error
