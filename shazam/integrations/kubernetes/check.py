"""What a cluster lacks for a run of a config; nothing is changed, and no cluster-wide right needed.

Whatever may not be asked is told as such: that is no failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shazam.config.cluster import ClusterConfig
from shazam.integrations.kubernetes.check_api import Cluster, NoClusterError, connect
from shazam.integrations.kubernetes.check_image import images
from shazam.integrations.kubernetes.check_nodes import capacity
from shazam.integrations.kubernetes.check_objects import (
    accounts,
    claims,
    pod_security,
    priority_class,
    secrets,
    settings,
)
from shazam.integrations.kubernetes.check_rights import (
    ORCHESTRATE,
    ORCHESTRATE_TOKEN,
    SUBMIT,
    SUBMIT_TOKEN,
    account_rights,
    own_rights,
)
from shazam.integrations.kubernetes.check_room import limit_ranges, quota
from shazam.integrations.kubernetes.check_rows import Row, State
from shazam.integrations.kubernetes.check_servers import Place, mlflow_row, zenml_rows

_API = "Kubernetes API"


def check_stack(config: ClusterConfig) -> Iterator[Row]:
    """Yield a row for each thing that a run of the config needs.

    Args:
        config: the section of the config.
    """
    rows, place = zenml_rows(config)
    yield from rows
    cluster, row = _reached(place)
    yield row
    given: Mapping[str, str] = {}
    if cluster is not None:
        yield from cluster_rows(cluster, config, hides_token=place.hides_token)
        told, given = settings(cluster, config)
        yield from told
    yield from images(cluster, config)
    yield mlflow_row(config, settings=given)


def cluster_rows(cluster: Cluster, config: ClusterConfig, *, hides_token: bool) -> Iterator[Row]:
    """Yield a row for each thing that the API server is asked.

    Args:
        cluster: one that answered.
        config: the section of the config.
        hides_token: whether the stack hands a run its token for ZenML in a Secret.
    """
    submit = SUBMIT + (SUBMIT_TOKEN if hides_token else ())
    orchestrate = ORCHESTRATE + (ORCHESTRATE_TOKEN if hides_token else ())
    yield own_rights(cluster, rights=submit)
    yield account_rights(cluster, config.orchestrator_account, rights=orchestrate)
    yield pod_security(cluster)
    yield from accounts(cluster, config)
    yield from claims(cluster, config)
    yield from secrets(cluster, config)
    yield from quota(cluster, config)
    yield limit_ranges(cluster, config)
    yield from capacity(cluster, config)
    yield from priority_class(cluster, config)


def _reached(place: Place) -> tuple[Cluster | None, Row]:
    fix = (
        "kubectl config get-contexts shows what there is; name one as `context` in the overlay's "
        "stack.yaml, register it again, and see that its server can be reached"
    )
    try:
        cluster = connect(place.context, namespace=place.namespace)
    except NoClusterError as error:
        return None, Row(_API, State.MISSING, str(error), fix)
    answer = cluster.get("/version")
    if not answer.is_found:
        return None, Row(_API, State.MISSING, answer.why, fix)
    version = answer.value.get("gitVersion", "of no version")
    found = f"{cluster.api.configuration.host}, {version}, namespace {cluster.namespace}"
    return cluster, Row(_API, State.OK, found)
