"""Train landmarks and write their pages. `make landmarks` runs all of them."""

import argparse
import importlib
from pathlib import Path

from experiments.landmarks.page import ROOT, write, write_index

NAMES = (
    "lessons",
    "stability",
    "edge_of_stability",
    "catapult",
    "xor",
    "optimisers",
    "generalisation",
    "dead_relu",
    "trainability",
    "precision",
)


def main() -> None:
    """Write the page of each landmark named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.landmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; default: all"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="train small versions; write their pages into OUT/quick/pages",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "landmarks")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(
            f"there is no landmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
        )
    out = arguments.out / "quick" if arguments.quick else arguments.out
    pages = out / "pages" if arguments.quick else ROOT / "docs" / "landmarks"
    modules = {name: importlib.import_module(f"experiments.landmarks.{name}") for name in NAMES}
    landmarks = {name: module.LANDMARK for name, module in modules.items()}
    for name in arguments.names or NAMES:
        print(write(name, landmarks[name], out=out, pages=pages, quick=arguments.quick), flush=True)
    print(write_index(landmarks, pages))


if __name__ == "__main__":
    main()
