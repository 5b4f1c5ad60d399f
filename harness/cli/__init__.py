"""The command line. Only this package knows typer, rich and a terminal."""

from harness.cli import ctrl_c


def main() -> None:
    """Run the command line, as the script `harness` does, and take over Ctrl-C in this process."""
    ctrl_c.listen()
    try:
        from harness.cli import app  # here, because loading it takes a while

        app.main()
    finally:
        ctrl_c.done()
