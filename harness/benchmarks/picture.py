"""Pictures of a comparison: the speed of harness relative to baselines, and curves of time."""

from pathlib import Path
from typing import Any

import pandas as pd

from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.workloads import WORKLOADS

_DARK, _LIGHT = "#31688e", "#c7d6e0"
_AXES = {"by-runs": "runs", "by-epochs": "epochs", "by-width": "hidden units",
         "by-points": "data points"}  # fmt: skip


def draw(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw the pictures of a table, and return their files. Needs matplotlib."""
    from matplotlib.figure import Figure

    found = []
    for name, part, drawing in (
        ("speed.png", table[table["point"].isna()], _bars),
        ("growth.png", table[table["point"].notna()], _curves),
    ):
        if len(part):
            figure = Figure(layout="constrained")
            drawing(figure, part)
            figure.savefig(folder / name, dpi=110)
            found.append(folder / name)
    return found


def _bars(figure: Any, table: pd.DataFrame) -> None:
    """Draw one panel per workload with one bar per baseline, on one core."""
    one = table[(table["threads"] == 1) & (table["baseline"] != OURS)]
    workloads = list(dict.fromkeys(one["workload"]))
    names = [name for name in BASELINES if name in set(one["baseline"])][::-1]
    if not names:
        return
    across = 2 if len(workloads) == 4 else min(3, len(workloads))
    down = -(-len(workloads) // across)
    figure.set_size_inches(3.2 + 2.6 * across, 1.0 + down * (0.55 + 0.3 * len(names)))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for axes in panels.ravel()[len(workloads) :]:
        axes.set_visible(False)
    ratios = one["harness_is_times_as_fast"]
    for axes, workload in zip(panels.ravel(), workloads, strict=False):
        part = one[one["workload"] == workload].set_index("baseline")
        ratio = part["harness_is_times_as_fast"].reindex(names)
        axes.barh(range(len(names)), ratio - 1, left=1, height=0.7, color=_DARK)
        for height, (name, value) in enumerate(ratio.items()):
            if name in part.index:
                text = " other result" if pd.isna(value) else f" {value:,.2g} " if value < 10 \
                    else f" {value:,.0f} "  # fmt: skip
                left = pd.notna(value) and value < 1
                axes.text(1 if pd.isna(value) else value, height, text, va="center",
                          ha="right" if left else "left", fontsize=8)  # fmt: skip
        axes.axvline(1, color="#222222", linewidth=1)
        axes.tick_params(labelbottom=True)
        axes.set_title(f"{workload}\n{WORKLOADS[workload][0].says}", fontsize=9)
        axes.set_yticks(range(len(names)), [BASELINES[name].title for name in names])
        axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_xscale("log")
    # 10k, because 10,000 would run into its neighbours.
    panels[0, 0].xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x < 1e3 else f"{x / 1e3:g}k")
    panels[0, 0].set_xlim(min(0.5, ratios.min() / 4), max(2.0, ratios.max() * 8))
    figure.supxlabel("how many times as fast harness is, both on one core", fontsize=10)


def _curves(figure: Any, table: pd.DataFrame) -> None:
    """Draw one panel per curve with one line per baseline, on one core."""
    one = table[table["threads"] == 1]
    workloads = list(dict.fromkeys(one["workload"]))
    across = min(2, len(workloads))
    down = -(-len(workloads) // across)
    figure.set_size_inches(2.6 + 3.9 * across, 0.6 + 3.1 * down)
    panels = figure.subplots(down, across, squeeze=False)
    for axes in panels.ravel()[len(workloads) :]:
        axes.set_visible(False)
    handles: dict[str, Any] = {}
    for axes, workload in zip(panels.ravel(), workloads, strict=False):
        for number, name in enumerate(BASELINES):
            part = one[(one["workload"] == workload) & (one["baseline"] == name) & one["agrees"]]
            if len(part):
                colour = "#222222" if name == OURS else f"C{number - 1}"
                (line,) = axes.plot(part["point"].astype(float), part["seconds"], color=colour,
                                    marker="o", markersize=3,
                                    linewidth=2.5 if name == OURS else 1.2)  # fmt: skip
                handles[BASELINES[name].title] = line
        axes.set(xscale="log", yscale="log", xlabel=_AXES[workload], ylabel="seconds")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.set_title(WORKLOADS[workload][0].says, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        handles.values(), handles.keys(), loc="outside right upper", frameon=False, fontsize=8
    )
