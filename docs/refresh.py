"""Write what the README shows: outputs of its commands, its table of speed. `make docs` runs it.

It trains into results/ and reads what the commands print, so that no figure is typed by hand.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HARNESS = Path(sys.executable).with_name("harness")
TIMED = ("dosage", "xor", "penguins")


def harness(*arguments: str) -> str:
    """Return what a command prints in 80 columns, without blanks at the ends of lines."""
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run(
        [HARNESS, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def processor() -> str:
    """Return what the machine calls its processor, and how many there are."""
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()


def speed_table() -> str:
    """Train some experiments anew and return a table of what they say of themselves."""
    rows = []
    for name in TIMED:
        shutil.rmtree(ROOT / "results" / name, ignore_errors=True)
        printed = harness("run", f"experiments/{name}.toml")
        network, points = re.search(r"^(\S+) .* on (\d+) data points", printed, re.M).groups()
        runs = re.search(r"([\d,]+) runs$", printed, re.M).group(1)
        updates, time, rate = re.search(
            r"^trained ([\d,]+) updates in (.*): (.*)updates/s$", printed, re.M
        ).groups()
        rows.append(f"| {name} | {network} | {points} | {runs} | {updates} | {time} | {rate}|")
    head = "| experiment | network | data points | trainings | updates | time | updates a second |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def main() -> None:
    """Put everything in its place in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    speed = f"{speed_table()}\n\n*{processor()}; Python {platform.python_version()}.*"
    readme = re.sub(
        r"(?<=<!-- speed -->\n).*?(?=<!-- end -->)", f"\n{speed}\n\n", readme, flags=re.DOTALL
    )
    shutil.rmtree(ROOT / "results" / "dosage")

    def fill(block: re.Match[str]) -> str:
        command = block.group(1)
        return f"```console\n$ harness {command}\n{harness(*command.split())}```\n"

    readme = re.sub(r"^```console\n\$ harness (.*?)\n.*?^```\n", fill, readme, flags=re.M | re.S)
    (ROOT / "README.md").write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
