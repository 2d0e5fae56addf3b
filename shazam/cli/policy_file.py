"""Read a policy of promotion from YAML."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from shazam.errors import ConfigError
from shazam.promotion.policy.document import Policy


def read_policy(path: Path) -> Policy:
    """Return the policy that a YAML file holds.

    Raises:
        ConfigError: it cannot be read, or is no policy; names every problem.
    """
    try:
        return Policy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        lines = [
            f"  - {'.'.join(map(str, problem['loc'])) or 'policy'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise ConfigError(f"{path}: {len(lines)} problem(s)\n" + "\n".join(lines)) from error
