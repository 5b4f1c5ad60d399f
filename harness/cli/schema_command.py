"""`harness schema`: the JSON Schema of experiment files, for editors."""

from typing import Annotated

import typer


def schema(
    path: Annotated[
        bool, typer.Option("--path", help="Print the path of the installed file instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of experiment files, for editors.

    docs/experiment-files.md says how to use it in VS Code and PyCharm.
    """
    from harness.experiment import json_schema

    print(json_schema.FILE if path else json_schema.as_text().rstrip())
