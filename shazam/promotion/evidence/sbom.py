"""The bill of materials of a model: CycloneDX 1.6, without times and serial numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shazam.config.cohort import Task
from shazam.config.licences import KNOWN_LICENCES
from shazam.evaluation.result import EvaluationResult, MetricValue
from shazam.manifests import TeacherIdentity

SBOM = "sbom.cdx.json"
_MODEL, _DATA = "model", "data"
_OUTPUTS = {
    Task.SURVIVAL: "risk; higher means an earlier event",
    Task.CLASSIFICATION: "one probability for each class",
    Task.REGRESSION: "one value for each target",
}
# known here, but no licences of the SPDX list
_OWN_TERMS = frozenset({"Apache-2.0 (research-use text)", "Owkin non-commercial"})


@dataclass(frozen=True, slots=True)
class Materials:
    """What a model is made of.

    Args:
        title: name of the cohort.
        tensors_sha256: of the model's safetensors.
        family: of its network, such as ``student``.
        cohort_sha256: digest of the cohort.
        teachers: whose features it reads.
        packages: version of each installed package by its name.
    """

    title: str
    tensors_sha256: str
    family: str
    cohort_sha256: str
    teachers: Sequence[TeacherIdentity]
    packages: Mapping[str, str]


def bill_of_materials(result: EvaluationResult, *, materials: Materials) -> dict[str, Any]:
    """Return the bill as plain JSON data in the form of CycloneDX 1.6 (ECMA-424).

    Args:
        result: the verdict, without names of cases.
        materials: what the model is made of.
    """
    parts = [
        *(_teacher(teacher) for teacher in materials.teachers),
        _data(materials),
        *(package_component(name, number) for name, number in sorted(materials.packages.items())),
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _model(result, materials=materials)},
        "components": parts,
        "dependencies": [
            {"ref": _MODEL, "dependsOn": sorted(part["bom-ref"] for part in parts)},
        ],
    }


def licence_of(name: str) -> dict[str, str]:
    """Return a licence by its SPDX identifier where it has one, else by its name."""
    spdx = name in KNOWN_LICENCES and name not in _OWN_TERMS
    return {"id": name} if spdx else {"name": name or "not known"}


def package_component(name: str, number: str) -> dict[str, Any]:
    """Return a package of Python as a part of a bill."""
    purl = f"pkg:pypi/{name}@{number.replace('+', '%2B')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": number, "purl": purl}


def _model(result: EvaluationResult, *, materials: Materials) -> dict[str, Any]:
    licences = sorted({teacher.licence for teacher in materials.teachers})
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": f"{materials.title}.{result.candidate}",
        "version": materials.tensors_sha256,
        "hashes": [_sha256(materials.tensors_sha256)],
        "licenses": [{"license": licence_of(name)} for name in licences],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": result.task.value,
                "architectureFamily": materials.family,
                "modelArchitecture": result.candidate,
                "datasets": [{"ref": _DATA}],
                "inputs": [{"format": "features of the tiles of a case, by the teachers"}],
                "outputs": [{"format": _OUTPUTS[result.task]}],
            },
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    _metric(metric)
                    for metric in result.candidate_arm.metrics
                    if metric.value is not None
                ]
            },
            "considerations": {
                "useCases": [f"{result.acceptance.intended_use.value} use"],
                "technicalLimitations": [
                    "measured by cross-validation in one cohort; the ensemble itself was not",
                    f"gates of the acceptance file: {'passed' if result.passed else 'failed'}",
                ],
            },
        },
    }


def _metric(metric: MetricValue) -> dict[str, Any]:
    found: dict[str, Any] = {"type": metric.name, "value": str(metric.value), "slice": "all"}
    if metric.lower is not None and metric.upper is not None:
        found["confidenceInterval"] = {
            "lowerBound": str(metric.lower),
            "upperBound": str(metric.upper),
        }
    return found


def _teacher(teacher: TeacherIdentity) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"teacher:{teacher.name}",
        "name": teacher.name,
        "version": teacher.revision,
        "licenses": [{"license": licence_of(teacher.licence)}],
    }
    if teacher.weights_sha256 is not None:
        found["hashes"] = [_sha256(teacher.weights_sha256)]
    return found


def _data(materials: Materials) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": _DATA,
        "name": materials.title,
        "hashes": [_sha256(materials.cohort_sha256)],
        "data": [{"type": "dataset", "name": materials.title}],
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
