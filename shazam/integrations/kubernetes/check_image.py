"""The image: by a digest that exists, and can it be pulled?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from httpx2 import Client, HTTPError, InvalidURL, Response

from shazam.config.cluster import ClusterConfig, is_placeholder
from shazam.integrations.kubernetes.check_api import Cluster, Object
from shazam.integrations.kubernetes.check_rows import Row, State

TIMEOUT_S = 5.0
_BUILD = "docker/build, which prints the digest, then set cluster.{key}"
_NO_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName"}
_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_HUB, _HUB_API = "docker.io", "registry-1.docker.io"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def images(cluster: Cluster | None, config: ClusterConfig) -> Iterator[Row]:
    """Yield, for each image, whether it is one, and whether it can be pulled.

    Args:
        cluster: whose pods are looked at; None when it cannot be reached.
        config: names the images, each by digest.
    """
    for key, image in (("image", config.image), ("slim_image", config.slim_image)):
        if image is None:
            continue
        if is_placeholder(image):
            build = _BUILD.format(key=key)
            yield Row(f"cluster.{key}", State.MISSING, "its digest is the placeholder", build)
            continue
        yield Row(f"cluster.{key}", State.OK, f"by digest: {image}")
        yield _pull(cluster, config, image, key=key)


def _pull(cluster: Cluster | None, config: ClusterConfig, image: str, *, key: str) -> Row:
    what = f"pull of cluster.{key}"
    if refused := "" if cluster is None else _refused_pull(cluster, image):
        fix = "make the pull secret and name it in cluster.image_pull_secrets, or push the image"
        return Row(what, State.MISSING, f"a pod waits for it: {refused}", fix)
    try:
        found = _head(image)
    except (HTTPError, InvalidURL, OSError) as error:
        fix = f"look from a node, or: docker buildx imagetools inspect {image}"
        return Row(what, State.UNASKED, f"the registry cannot be reached from here: {error}", fix)
    match found.status_code:
        case 200:
            return Row(what, State.OK, "the registry has it")
        case 404:
            build = _BUILD.format(key=key)
            return Row(what, State.MISSING, "the registry has no such digest", build)
        case 401 | 403:
            named = ", ".join(config.image_pull_secrets) or "none is named"
            fix = f"see that cluster.image_pull_secrets ({named}) has a login of the registry"
            return Row(what, State.UNASKED, "the registry asks for a login", fix)
        case status:
            return Row(what, State.UNASKED, f"the registry answers {status}", "ask again later")


def _refused_pull(cluster: Cluster, image: str) -> str:
    """Return what a pod of the namespace says that cannot pull an image."""
    for pod in cluster.every("pods").items:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            waiting: Object = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in _NO_PULL and container.get("image") == image:
                told = waiting.get("message") or waiting["reason"]
                return f"{pod['metadata']['name']}: {told}"
    return ""


def _head(image: str) -> Response:
    """Return the registry's answer on a manifest, asked without a login."""
    host, path = _place(image)
    name, _, digest = path.partition("@")
    # container runtimes, too, speak plain HTTP to this machine only
    scheme = "http" if host.partition(":")[0] in {"localhost", "127.0.0.1"} else "https"
    url = f"{scheme}://{host}/v2/{_untagged(name)}/manifests/{digest}"
    with Client(timeout=TIMEOUT_S, follow_redirects=True) as asking:
        found = asking.head(url, headers={"Accept": _ACCEPT})
        token = _anonymous(asking, found, scheme=scheme) if found.status_code == 401 else ""
        if not token:
            return found
        login = {"Accept": _ACCEPT, "Authorization": f"Bearer {token}"}
        return asking.head(url, headers=login)


def _anonymous(asking: Client, refusal: Response, *, scheme: str) -> str:
    """Return the token that a registry gives to everyone, or nothing."""
    told = dict(_CHALLENGE.findall(refusal.headers.get("WWW-Authenticate", "")))
    realm = told.pop("realm", "")
    if not realm.startswith(f"{scheme}://"):
        return ""
    given = asking.get(
        realm, params={key: told[key] for key in ("service", "scope") if key in told}
    )
    try:
        found = given.json()
    except ValueError:
        return ""
    return str(found.get("token") or found.get("access_token") or "") if given.is_success else ""


def _place(image: str) -> tuple[str, str]:
    """Return the registry's host and the rest of an image's name."""
    first, _, rest = image.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        if first != _HUB:
            return first, rest
        image = rest
    return _HUB_API, image if "/" in image.partition("@")[0] else f"library/{image}"


def _untagged(name: str) -> str:
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
