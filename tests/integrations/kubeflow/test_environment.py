"""Secrets never stand in the text of a pipeline: they are taken by reference, or it is refused."""

from __future__ import annotations

import pytest

from shazam.errors import ConfigError
from shazam.integrations.kubeflow.environment import open_variables

SERVER = {
    "ZENML_STORE_URL": "https://zenml.example",
    "ZENML_STORE_TYPE": "rest",
    "DISABLE_CREDENTIALS_DISK_CACHING": "true",
}


def test_the_token_of_a_run_is_left_out_where_a_key_is_kept_in_a_secret():
    variables = {**SERVER, "ZENML_STORE_API_TOKEN": "value"}
    assert open_variables(variables, by_secret=("ZENML_STORE_API_KEY",)) == SERVER


def test_what_a_secret_holds_is_not_written_twice():
    assert open_variables({**SERVER, "USER": "me"}, by_secret=("USER",)) == SERVER


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ZENML_STORE_API_TOKEN", "value", "lacks ZENML_STORE_API_KEY"),
        ("MLFLOW_TRACKING_PASSWORD", "value", "lacks MLFLOW_TRACKING_PASSWORD"),
        ("ZENML_STORE_URL", "mysql://me:value@db/zenml", "lacks ZENML_STORE_URL"),
    ],
)
def test_a_secret_that_pods_would_lack_is_refused_and_not_told(name, value, told):
    with pytest.raises(ConfigError, match=told) as refused:
        open_variables({**SERVER, name: value}, by_secret=("HF_TOKEN",))
    assert value not in str(refused.value)
