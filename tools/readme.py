"""Update the README: outputs of its commands, and its table of speed. `make docs` runs it.

It trains into results/ and reads the output and the files of the commands, so that all figures in
the README come from a run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.workloads import SINGLE, WORKLOADS
from harness.formatting import si

ROOT = Path(__file__).parents[1]
HARNESS = Path(sys.executable).with_name("harness")
SPEED = ROOT / "results" / "bench" / "speed.csv"


def printed(*command: str | Path) -> str:
    """Return the output of a command in 80 columns, without trailing blanks."""
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def speed() -> str:
    """Return the table of speed from the file of `harness bench`, which is run if it is missing."""
    if not SPEED.exists():
        printed(HARNESS, "bench")
    table = pd.read_csv(SPEED)
    table = table[table["point"].isna()]
    in_single = table["workload"].str.endswith(SINGLE)
    single, table = table[in_single], table[~in_single]
    workloads = list(dict.fromkeys(table["workload"]))
    rows = [
        f"| run-epochs a second | {' | '.join(workloads)} |",
        f"|---|{'---|' * len(workloads)}",
    ]
    for threads, name in dict.fromkeys(zip(table["threads"], table["baseline"], strict=True)):
        if threads > 1 and name != OURS:
            continue
        part = table[(table["threads"] == threads) & (table["baseline"] == name)]
        cells = {row["workload"]: cell(row) for row in part.to_dict("records")}
        cores = "" if threads == 1 else f" on {threads} cores"
        title = f"**{BASELINES[name].title}{cores}**" if name == OURS else BASELINES[name].title
        rows.append(f"| {title} | {' | '.join(cells.get(w, '') for w in workloads)} |")
    one = table[table["threads"] == 1]
    rows += rows_in_single(single[single["threads"] == 1], one, workloads)
    for title, column, form, names in (
        ("share of the port limit", "share_of_port_limit", "{:.0%}", [OURS]),
        ("seconds to compile", "warm_up_seconds", "{:.2f}", [OURS, "jax-vmap"]),
    ):
        for name in names:
            values = one[one["baseline"] == name].set_index("workload")[column]
            cells = (form.format(values[w]) if w in values else "" for w in workloads)
            rows.append(f"| {BASELINES[name].title}: {title} | {' | '.join(cells)} |")
    what = [f"- `{name}`: {WORKLOADS[name][0].says}" for name in workloads]
    notes = [
        "*On one core and in float64 unless stated otherwise; in brackets, how many times faster",
        "harness is or, for harness in float32, how many times faster than in float64.",
        "At the port limit all ports of a core that compute with floats would always be busy.",
        f"{table['machine'].iloc[0]}.*",
    ]
    return "\n".join([*rows, "", *notes, "", *what])


def rows_in_single(single: pd.DataFrame, double: pd.DataFrame, workloads: list[str]) -> list[str]:
    """Return the speed of harness in single precision, and that of the fastest baseline."""
    in_double = double[double["baseline"] == OURS].set_index("workload")["run_epochs_per_second"]
    ours, fastest = dict.fromkeys(workloads, ""), dict.fromkeys(workloads, "")
    # The fastest come last, and stay.
    for row in single[single["agrees"]].sort_values("run_epochs_per_second").to_dict("records"):
        workload = row["workload"].removesuffix(SINGLE)
        if row["baseline"] == OURS:
            factor = row["run_epochs_per_second"] / in_double[workload]
            ours[workload] = f"{cell(row)} ({factor:.2g})"
        else:
            fastest[workload] = f"{BASELINES[row['baseline']].title}: {cell(row)}"
    return [
        f"| **harness, float32** | {' | '.join(ours.values())} |",
        f"| fastest baseline, float32 | {' | '.join(fastest.values())} |",
    ]


def cell(row: dict) -> str:
    """Return the speed of a baseline, and how many times faster harness is."""
    rate = si(row["run_epochs_per_second"]).strip()
    if row["baseline"] == OURS:
        return f"**{rate}**"
    ratio = row["harness_is_times_as_fast"]
    if not row["agrees"]:
        return "another result"
    return f"{rate} ({ratio:.2g})" if ratio < 10 else f"{rate} ({ratio:,.0f})"


def main() -> None:
    """Update all outputs and the table in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = re.sub(
        r"(?<=<!-- speed -->\n).*?(?=<!-- end -->)", f"\n{speed()}\n\n", readme, flags=re.DOTALL
    )
    shutil.rmtree(ROOT / "results" / "dosage", ignore_errors=True)

    def fill(block: re.Match[str]) -> str:
        command = block.group(1)
        return f"```console\n$ harness {command}\n{printed(HARNESS, *command.split())}```\n"

    readme = re.sub(r"^```console\n\$ harness (.*?)\n.*?^```\n", fill, readme, flags=re.M | re.S)

    def fill_python(blocks: re.Match[str]) -> str:
        code = blocks.group(1)
        return f"```python\n{code}```\n\n```text\n{printed(sys.executable, '-c', code)}```\n"

    readme = re.sub(
        r"^```python\n((?:(?!```).)*)```\n\n```text\n.*?^```\n",
        fill_python,
        readme,
        flags=re.M | re.S,
    )
    (ROOT / "README.md").write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
