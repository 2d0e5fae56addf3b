"""A run's folder with all its manifests, made without a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from shazam.cohort.model import Cohort
from shazam.cohort.store import write_cohort
from shazam.config.criteria import Criteria
from shazam.digest import digest_of, digest_of_file
from shazam.evaluation.frozen import freeze_acceptance
from shazam.evaluation.publish import publish_evaluation
from shazam.explanations import Explanations
from shazam.manifests import DataVersion, FeatureSetManifest, SlideFeatures
from shazam.predictions import write_predictions
from shazam.promotion import RegisteredVersion, Registration, StoredVersion
from shazam.promotion.register import register_candidate
from shazam.publish import publish_bytes, publish_json
from shazam.refs import (
    EvaluationRef,
    ExplanationsRef,
    FeatureSetRef,
    ModelRef,
    ProbeRef,
    RegistrationRef,
    SplitsRef,
)
from shazam.workspace import Workspace
from tests.evaluation import made
from tests.promotion.evidence.made import config_of, inputs_of


@dataclass
class MemoryStore:
    """A store that keeps what was registered."""

    kept: list[Registration] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def register(self, registration: Registration) -> RegisteredVersion:
        digests = [own.bundle_sha256 for own in self.kept]
        if registration.bundle_sha256 in digests:
            return RegisteredVersion(str(1 + digests.index(registration.bundle_sha256)), False)
        self.kept.append(registration)
        return RegisteredVersion(str(len(self.kept)), True)

    def alias(self, model_name: str, alias: str) -> str | None:
        return self.aliases.get(alias)

    def point(self, model_name: str, *, alias: str, version: str) -> None:
        self.aliases[alias] = version

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        raise AssertionError(bundle_sha256)

    def version(self, model_name: str, version: str) -> StoredVersion:
        raise AssertionError(version)

    def fetch(self, model_name: str, version: str, target: object) -> None:
        raise AssertionError(version)


@dataclass(frozen=True)
class MadeRun:
    """A run that can be registered."""

    workspace: Workspace
    cohort: Cohort
    evaluation: EvaluationRef
    model: ModelRef

    def register(self, store: MemoryStore) -> RegistrationRef:
        return register_candidate(
            self.evaluation,
            models=[self.model],
            model_name="made",
            acceptance=config_of().acceptance,
            store=store,
            workspace=self.workspace,
        )


def run_of(workspace: Workspace) -> MadeRun:
    """Publish an evaluation of made cases; one slide of the first case is quarantined by name."""
    inputs = replace(inputs_of(), champion=None)
    config = config_of()
    features = tuple(
        SlideFeatures(
            slide_id=slide.slide_id,
            case_id=slide.case_id,
            key=digest_of(["key", slide.sha256]),
            uri=f"features/lite0/{slide.slide_id}.h5",
            sha256=digest_of(["features", slide.sha256]),
            n_tiles=3,
            tiles_key=digest_of(["tiles", slide.sha256]),
        )
        for slide in inputs.cohort.slides
    )
    manifest = FeatureSetManifest(
        cohort=write_cohort(inputs.cohort, workspace=workspace),
        teachers=inputs.teachers,
        features=(features,),
        quarantine=(),
        versions=(DataVersion(path="slides", md5="0" * 32, n_files=54, size_bytes=54),),
    )
    uri, sha256 = workspace.write_manifest("validate_features", manifest)
    feature_set = FeatureSetRef(
        uri=uri, sha256=sha256, teachers=("lite0",), n_cases=54, n_slides=54, n_quarantined=0
    )
    uri, sha256 = workspace.write_manifest("split", inputs.splits)
    splits = SplitsRef(uri=uri, sha256=sha256, n_folds=3)
    probe = workspace.write_manifest("probe", inputs.probe)
    explained = workspace.write_manifest("explain", Explanations(arm=config.acceptance.candidate))
    frozen, _ = freeze_acceptance(
        feature_set, splits=splits, criteria=Criteria.of(config), workspace=workspace
    )
    evaluation = publish_evaluation(
        feature_set,
        splits=splits,
        predictions=[
            write_predictions(
                frame, workspace.root / "arms" / arm / "predictions.parquet", workspace=workspace
            )
            for arm, frame in inputs.predictions.items()
        ],
        probe=ProbeRef(uri=probe[0], sha256=probe[1]),
        explanations=ExplanationsRef(uri=explained[0], sha256=explained[1]),
        frozen=frozen,
        contracts=[],
        config=config,
        workspace=workspace,
    )
    return MadeRun(workspace, inputs.cohort, evaluation, _model(workspace))


def _model(workspace: Workspace) -> ModelRef:
    folder = workspace.root / "arms" / "student"
    publish_bytes(folder / "model.safetensors", b"made tensors")
    described = {
        "arm": made.ACCEPTANCE.candidate,
        "spec": {"kind": "fusion_student_v2"},
        "tensors_sha256": digest_of_file(folder / "model.safetensors"),
    }
    sha256 = publish_json(folder / "model.json", described)
    return ModelRef(
        uri=workspace.uri(folder / "model.json"),
        sha256=sha256,
        arm=made.ACCEPTANCE.candidate,
        n_members=3,
    )
