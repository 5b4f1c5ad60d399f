"""The page on single precision: pictures, tables and what they show."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.landmarks.edge_of_stability import row_of
from experiments.landmarks.page import table
from experiments.landmarks.precision.measurements import (
    PARTED,
    PUBLISHED_FLIPPED,
    Found,
    difference,
    flipped_boundary,
    flips,
    paired_outcomes,
)
from experiments.landmarks.precision.pictures import draw_maps, draw_parting, shown_rate
from harness.analysis.measures import share_interval
from harness.maps.boundary import box_counts, dimension
from harness.maps.image import Image

OTHERS = ("float32", "reversed")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def tell(found: Found, pictures: Path) -> str:
    """Draw the pictures, and write the page."""
    (pictures / "precision_maps.png").write_bytes(draw_maps(found))
    (pictures / "precision_parting.png").write_bytes(draw_parting(found))
    parts = (_tell_what, _tell_boundary, _tell_shares, _tell_sharpness, _tell_dosage)
    return "\n\n".join(part(found) for part in parts)


def _tell_what(found: Found) -> str:
    return """\
Every run on this page was trained three times from the same initial parameters:

- **float64**, with 53 significant bits;
- **float32**, with 24: data, parameters, gradients and every operation are rounded to float32; only
  SSR and loss are summed in float64 ([decision 22](../decisions/0022-single-precision.md));
- **reversed**: float64 again, with the data points in reverse order. The mathematics is the same;
  only the last bits of the sums differ. What this changes was never determined by float64."""


# -- the boundary of trainability ------------------------------------------------------------------


def _tell_boundary(found: Found) -> str:
    rows = []
    for window, images in found.maps.items():
        double = images["float64"]
        others = [images[name] for name in OTHERS]
        rows.append((
            window,
            f"{len(double.trained)} x {len(double.trained)}",
            f"{double.boundary.sum():,}",
            *(f"{flips(double, other).mean():.2%}" for other in others),
            *(f"{flipped_boundary(double, other):.1%}" for other in others),
            *(f"{dimension([box_counts(each.boundary)]):.2f}" for each in images.values()),
        ))  # fmt: skip
    header = (
        "window", "pixels", "on the boundary", "all: float32", "all: reversed",
        "boundary: float32", "boundary: reversed",
        "dimension: float64", "float32", "reversed",
    )  # fmt: skip
    side = len(found.maps["overview"]["float64"].trained)
    single, backwards = (
        [_of_boundary(images, name) for images in found.maps.values()] for name in OTHERS
    )
    deepest, images = list(found.maps.items())[-1]
    share = images["float64"].trained[:-1, :-1][images["float64"].boundary].mean()
    return f"""\
## The boundary of trainability

The map of [tanh, full batch](trainability.md): two learning rates, 500 losses. A pixel is flipped
if it trained in one variant and not in the other. A pixel is on the boundary if the 2 x 2 block
that begins with it contains both kinds in float64; the shares of the boundary count those among
them that are flipped themselves. Frames are those of the zoom on that page: frame k is 2^k times
narrower than the overview. In the overview, only pixels near the boundary of each variant are
trained (`harness map experiments/trainability_tanh.toml --size {side} --refine`).

![Flipped pixels of the boundary](images/precision_maps.png)

{table(header, rows)}

- **Published.** An independent reproduction on a GPU found that float32 flips
  {PUBLISHED_FLIPPED:.0%} of the boundary pixels. Here it flips {single[0]:.0%} in the overview, and
  {min(single):.0%} to {max(single):.0%} over all windows, so a share means little without its
  window. Seed, order of sums and number of pixels also differ from that reproduction.
- **In wide windows, float64 does not decide many of these pixels either.** In the overview,
  reversed float64 flips {backwards[0]:.0%} of the boundary pixels: training near the boundary
  amplifies a rounding of either size.
- **In narrow windows, the bits count.** In {deepest}, float32 flips {single[-1]:.0%} of the
  boundary pixels, and reversed float64 {backwards[-1]:.0%}. If the kind of these pixels were drawn
  anew, with the share that trained, it would be {2 * share * (1 - share):.0%}.
- **The dimension hardly depends on the bits.** Between the variants of a window, it differs by at
  most {_dimension_difference(found):.2f}. Which pixels are on the boundary changes, but not how
  rough it is.
- **Flips are near the boundary**: {_near_share(found):.0%} of all flipped pixels are in a 2 x 2
  block with both kinds in float64. So refining the overview misses few of them."""


def _of_boundary(images: Mapping[str, Image], variant: str) -> float:
    return flipped_boundary(images["float64"], images[variant])


def _near_share(found: Found) -> float:
    """Return the share of the flipped pixels, in all windows, that a block of the boundary has."""
    near, total = 0, 0
    for images in found.maps.values():
        boundary = images["float64"].boundary
        blocks = np.zeros(images["float64"].trained.shape, dtype=bool)
        for part in (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, :-1], np.s_[1:, 1:]):
            blocks[part] |= boundary
        for name in OTHERS:
            flipped = flips(images["float64"], images[name])
            near += np.count_nonzero(flipped & blocks)
            total += np.count_nonzero(flipped)
    return near / total


def _dimension_difference(found: Found) -> float:
    spans = []
    for images in found.maps.values():
        dimensions = [dimension([box_counts(each.boundary)]) for each in images.values()]
        spans.append(np.ptp(dimensions))
    return float(np.max(spans))


# -- exclusive or ----------------------------------------------------------------------------------


def _tell_shares(found: Found) -> str:
    by = ["momentum", "learning_rate"]
    single, backwards = (paired_outcomes(found.xor["float64"], found.xor[v], by) for v in OTHERS)
    rows = []
    for one, two in zip(single.itertuples(), backwards.itertuples(), strict=True):
        rows.append((
            f"{one.momentum:g}",
            f"{one.learning_rate:.3g}",
            f"{one.solved / one.runs:.2%}",
            f"{one.other / one.runs:.2%}",
            f"{one.lost:,} + {one.gained:,}",
            f"{two.lost:,} + {two.gained:,}",
            *((f"{one.median:,.1f}".removesuffix(".0"),
               f"{one.other_median:,.1f}".removesuffix(".0"),
               f"{one.same:.2%}", f"{two.same:.2%}") if one.solved else ("", "", "", "")),
        ))  # fmt: skip
    header = (
        "momentum", "rate", "solved: float64", "float32", "only float64 + only float32",
        "only float64 + only reversed", "median: float64", "float32",
        "same epoch: float32", "reversed",
    )  # fmt: skip
    worst = single.loc[(single["lost"] + single["gained"]).idxmax()]
    slowest = single.loc[single["same"].idxmin()]
    parted = int(worst["lost"] + worst["gained"])
    low, high = share_interval(np.array([parted]), np.array([int(worst["runs"])]))
    elsewhere = int((single["lost"] + single["gained"]).sum()) - parted
    return f"""\
## Exclusive or

[xor_shares.toml](../../experiments/xor_shares.toml) with 2-2-1 networks, weights and biases from
-1 to 1, and {single["runs"].iloc[0]:,} initialisations per setting. Solved: an SSR of at most 0.04
within {found.xor["float64"]["epochs"].max():,} epochs. Median: epochs of the solved runs. Same
epoch: the share of the runs solved in both variants that took the same number of epochs.

{table(header, rows)}

At momentum {worst["momentum"]:g} and rate {worst["learning_rate"]:.3g}, {parted:,} of
{worst["runs"]:,.0f} initialisations end differently in float32:
{parted / worst["runs"]:.2%} (95 % interval, Wilson: {low[0]:.2%} to {high[0]:.2%}).
{worst["lost"]:.0f} are solved only in float64 and {worst["gained"]:.0f} only in float32. If both
were equally likely, a split at least as uneven would have a probability of {worst["p"]:.2f} (exact
McNemar test). In all other settings together,
{elsewhere:,} of {single["runs"].sum() - worst["runs"]:,.0f} pairs end differently. At momentum
{slowest["momentum"]:g} and rate {slowest["learning_rate"]:.3g}, only {slowest["same"]:.0%} of the
solved runs take the same number of epochs in float32."""


# -- the edge of stability -------------------------------------------------------------------------


def _tell_sharpness(found: Found) -> str:
    rows = []
    for rate, double in found.edge["float64"].groupby("learning_rate"):
        ways = {name: way[way["learning_rate"] == rate] for name, way in found.edge.items()}
        ends = {name: row_of(way) for name, way in ways.items()}
        reached = ends["float64"]["reached"]
        climbs = (double["epoch"] < reached).to_numpy() | np.isnan(reached)
        cells = []
        for name in OTHERS:
            off = difference(double["sharpness"].to_numpy(), ways[name]["sharpness"].to_numpy())
            parted = double["epoch"].to_numpy()[off > PARTED]
            cells.append((
                f"{off[climbs].max():.1g}",
                f"{parted[0]:,}" if parted.size else "never",
                f"{off.max():.2g}",
            ))  # fmt: skip
        rows.append((
            f"{rate:g}",
            " / ".join(f"{end['reached']:,.0f}".replace("nan", "never") for end in ends.values()),
            *(" / ".join(pair) for pair in zip(*cells, strict=True)),
            " / ".join(f"{end['median']:.3f}" for end in ends.values()),
        ))  # fmt: skip
    header = (
        "rate", "edge at epoch", "largest difference before", f"first above {PARTED:.0%}",
        "largest difference", "sharpness x rate / 2 at the end",
    )  # fmt: skip
    return f"""\
## The edge of stability

The [toy setting](edge_of_stability.md) of degree 4: 100 tanh units, the sharpness recorded every
100th epoch. Differences are relative to float64.

{table(header, rows)}

*Edge, and sharpness in the last quarter (median): float64 / float32 / reversed. Differences:
float32 / reversed.*

On the way to the edge, float32 follows float64 within its rounding. At the edge the runs
oscillate, every rounding grows, and within some hundred to some thousand epochs the trajectories
are others, in reversed float64 as in float32. What is measured there does not depend on it: all
variants reach 2 / rate at the same recorded epoch, and hover around it."""


# -- dosage ----------------------------------------------------------------------------------------


def _tell_dosage(found: Found) -> str:
    rows = []
    for name in OTHERS:
        pairs = found.dosage[name]
        rows.append((
            name,
            *(f"{pairs['final'].quantile(q):.1g}" for q in QUANTILES),
            f"{(pairs['largest'] > PARTED).sum():,}",
            f"{pairs['ends'].sum():,}",
        ))  # fmt: skip
    header = ("variant", *(f"{q:.0%}" for q in QUANTILES), "parted", "another status")
    pairs = found.dosage["float32"]
    parted = pairs["largest"] > PARTED
    shares = parted.groupby(pairs["learning_rate"]).mean()
    first, most = shares.index[shares > 0].min(), shares.idxmax()
    backwards = found.dosage["reversed"]
    also = backwards.loc[backwards["largest"] > PARTED, "run_id"]
    both = pairs.loc[parted, "run_id"].isin(also).sum()
    between = ((pairs["largest"] > PARTED / 100) & (pairs["largest"] < 10 * PARTED)).sum()
    return f"""\
## The dosage curve

[dosage.toml](../../experiments/dosage.toml): {len(pairs):,} pairs of runs, from
{pairs["init_id"].nunique()} initialisations and {len(shares)} learning rates up to
{pairs["learning_rate"].max():.2g}; above, runs diverge in all variants. The table has quantiles of
the relative difference of the final SSR. A pair has parted if the SSR differs by more than
{PARTED:.0%} at some recorded epoch; the exact limit hardly matters, since the largest
difference of only {between} pairs is between {PARTED / 100:g} and {10 * PARTED:g}.

{table(header, rows)}

![Differences in sharpness, and pairs that part](images/precision_parting.png)

*Left: the edge of stability at rate {shown_rate(found):g}. Right: dosage. A difference of 0 is not
drawn.*

- Below a rate of {first:.2g} no pair parts in float32. At {most:.2g}, {shares.max():.0%} do.
- Pairs part where training oscillates: {(parted & pairs["rises"]).sum()} of the {parted.sum()}
  pairs that part have a float64 SSR that rises between recorded epochs, and
  {(~parted & pairs["rises"]).sum()} of the {(~parted).sum():,} others.
- Of the {parted.sum()} pairs that part in float32, {both} part in reversed float64 too: float64
  does not determine those runs either. More bits delay the parting of trajectories, and do not
  prevent it."""
