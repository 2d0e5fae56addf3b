"""Which Kubernetes API calls the installed ZenML can make, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_VERBS = {
    "create": "create",
    "read": "get",
    "list": "list",
    "patch": "patch",
    "replace": "update",
    "delete": "delete",
}
_RESOURCES = {
    "job": "jobs",
    "cron_job": "cronjobs",
    "pod": "pods",
    "pod_log": "pods/log",
    "secret": "secrets",
    "service_account": "serviceaccounts",
    "role_binding": "rolebindings",
    "config_map": "configmaps",
    "service": "services",
}


def api_calls(module: str) -> set[tuple[str, str]]:
    """Return verb and resource of the calls of a module of the integration, and of its helpers.

    Args:
        module: path below the integration, such as ``orchestrators/kubernetes_orchestrator.py``.
    """
    helpers = {
        node.name: node for node in _tree("kube_utils.py").body if isinstance(node, ast.FunctionDef)
    }
    wanted = [node.attr for node in _attributes(_tree(module)) if node.attr in helpers]
    found = set(_direct(_tree(module)))
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        found |= set(_direct(helpers[name]))
        wanted += [
            node.id
            for node in ast.walk(helpers[name])
            if isinstance(node, ast.Name) and node.id in helpers
        ]
    return found


def _tree(module: str) -> ast.Module:
    spec = find_spec("zenml")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "integrations" / "kubernetes" / module
    return ast.parse(path.read_text())


def _attributes(tree: ast.AST) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def _direct(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in _attributes(tree):
        verb, middle, resource = node.attr.partition("_namespaced_")
        if middle:
            yield _VERBS[verb], _RESOURCES[resource]
