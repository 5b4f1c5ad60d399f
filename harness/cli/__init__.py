"""The command line. Only this package uses typer, rich and the terminal."""

from harness.cli import ctrl_c
from harness.cli.loading import loading


def main() -> None:
    """Run the command line, and handle Ctrl-C in this process. Entry point of `harness`."""
    ctrl_c.listen()
    try:
        with loading():
            from harness.cli import app  # here, because loading it takes 0.1 s

        app.main()
    finally:
        ctrl_c.done()
