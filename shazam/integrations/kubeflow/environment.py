"""The variables of a step that may stand in a pipeline's text, which all its viewers can read."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from zenml.constants import ENV_ZENML_DISABLE_CREDENTIALS_DISK_CACHING

from shazam.config.cluster import looks_secret
from shazam.errors import ConfigError

_TOKEN = "ZENML_STORE_API_TOKEN"  # noqa: S105 - a name
_KEY = "ZENML_STORE_API_KEY"
_NO_SECRETS = {ENV_ZENML_DISABLE_CREDENTIALS_DISK_CACHING, "ZENML_SECRETS_STORE_TYPE"}


def open_variables(
    variables: Mapping[str, str], *, by_secret: Collection[str]
) -> Mapping[str, str]:
    """Return the variables without the secrets among them, which pods take from Secrets instead.

    Args:
        variables: what ZenML would write into the pipeline, a token of its server among it.
        by_secret: names of the variables that pods take from Secrets.

    Raises:
        ConfigError: a secret is not among ``by_secret``.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name not in by_secret and (name in _NO_SECRETS or not looks_secret(name, value))
    }
    lost = {_KEY if name == _TOKEN else name for name in variables if name not in kept}
    if lacking := sorted(lost - set(by_secret)):
        raise ConfigError(
            f"cluster.secrets: lacks {', '.join(lacking)}: it would stand in the text of the "
            "pipeline, for all who may look at it; keep it in a Secret of the namespace that "
            "steps run in, and name that here"
        )
    return kept
