"""`shazam config`: what a config comes to."""

from __future__ import annotations

import typer

from shazam.cli import commands
from shazam.cli.options import ConfigOption, SetOption

config_app = typer.Typer(help="The configuration.", no_args_is_help=True)


@config_app.command("show")
def show(config: ConfigOption, overrides: SetOption = None) -> None:
    """Print the resolved configuration with the origin of each value."""
    commands.config_show(config, overrides=overrides or [])
