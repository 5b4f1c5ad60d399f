"""Draw the picture of the README from results/dosage: `make picture`."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

import harness

OUT = Path(__file__).parent / "images" / "dosage.png"

results = harness.open_results("results/dosage")
runs = results.runs
fit_at = 1e-3  # the experiment's tolerance

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), layout="constrained", gridspec_kw={"width_ratios": [1.15, 1]}
)

# Every run: a column a learning rate, a row a start; starts that fit at more rates lie lower.
ends = runs.pivot(index="init_id", columns="learning_rate", values="ssr_final")
kept = runs.pivot(index="init_id", columns="learning_rate", values="status") != "diverged"
order = np.argsort(-(ends <= fit_at).sum(axis=1), kind="stable")
image = np.ma.masked_where(~kept.to_numpy(), ends.to_numpy())[order]
rates = ends.columns.to_numpy()
edges = np.sqrt(np.concatenate(([rates[0] ** 2 / rates[1]], rates)) *
                np.concatenate((rates, [rates[-1] ** 2 / rates[-2]])))  # fmt: skip
colours = plt.get_cmap("viridis").with_extremes(bad="#bbbbbb")
mesh = left.pcolormesh(
    edges, np.arange(len(ends) + 1), image, norm=LogNorm(fit_at, 1.0), cmap=colours
)
left.set(
    xscale="log",
    xlabel="learning rate",
    ylabel="starts, those that fit most often first",
    title=f"final SSR of {len(runs):,} trainings (grey: diverged)",
)
figure.colorbar(mesh, ax=left, label="SSR after at most 2,000 epochs", extend="max")

# The way there, at the rate from which most starts fit.
best = (ends <= fit_at).sum().idxmax()
chosen = runs[(runs["learning_rate"] == best) & (runs["init_id"] < 40)]
ways = results.trajectories(chosen["run_id"])
for _, way in ways.groupby("run_id"):
    right.plot(way["epoch"] + 1, way["ssr"], color="#31688e", alpha=0.45, linewidth=1)
right.axhline(fit_at, color="#222222", linestyle=":", linewidth=1)
right.annotate("fits the curve", (1.3, fit_at * 1.15), fontsize=9)
right.axhline(2 / 3, color="#222222", linestyle=":", linewidth=1)
right.annotate("a flat line at 1/3", (1.3, 0.42), fontsize=9)
right.set(
    xscale="log",
    yscale="log",
    ylim=(fit_at / 2, 100),
    xlabel="epoch + 1",
    ylabel="SSR",
    title=f"SSR of 40 of them at learning rate {best:.3g}",
)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)

OUT.parent.mkdir(exist_ok=True)
figure.savefig(OUT, dpi=110)
print(OUT)
