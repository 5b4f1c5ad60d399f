"""The command line. Only this package knows typer, rich and a terminal."""

from harness.cli.commands import main

__all__ = ["main"]
