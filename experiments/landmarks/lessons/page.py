"""The page of the two lessons: three pictures, and the printed and the measured numbers."""

from pathlib import Path

from experiments.landmarks.lessons.measurements import Found
from experiments.landmarks.lessons.pictures import draw_bowl, draw_parabola, draw_squiggle
from experiments.landmarks.lessons.published import (
    ALL_SEVEN,
    EXERCISE,
    LESSON,
    ONLY_B3,
    OUTPUT_LAYER,
    PART_2,
    PRINTED,
)
from experiments.landmarks.page import table


def like(printed: str, value: float) -> str:
    """Return a number with the digits of a printed one.

    >>> like("-6.26", -6.262), like("1.77005547e-04", 0.000177005547)
    ('-6.26', '1.77005547e-04')
    """
    mantissa, _, power = printed.partition("e")
    places = len(mantissa.partition(".")[2])
    return f"{value:.{places}{'e' if power else 'f'}}"


def _compared(found: Found, name: str) -> str:
    rows = []
    for quantity, printed in PRINTED[name].items():
        pairs = zip(printed, found.measured[name][quantity], strict=True)
        measured = [like(text, value) for text, value in pairs]
        # Numbers that differ are bold.
        marked = [m if m == p else f"**{m}**" for m, p in zip(measured, printed, strict=True)]
        rows.append((quantity, ", ".join(printed), ", ".join(marked)))
    return table(("quantity", "published", "measured"), rows)


def tell(found: Found, pictures: Path) -> str:
    """Draw the three pictures, and write the page."""
    (pictures / "lessons_parabola.png").write_bytes(draw_parabola(found.parabola))
    (pictures / "lessons_bowl.png").write_bytes(draw_bowl(found.bowl))
    (pictures / "lessons_squiggle.png").write_bytes(draw_squiggle(found.squiggle))
    return "\n\n".join(
        (
            _INTRODUCTION,
            _tell_b3(found),
            _tell_bowl(found),
            _tell_seven(found),
            _tell_exercise(found),
        )
    )


_INTRODUCTION = """\
This project is based on two lessons. The first is StatQuest's *Neural Networks*, Part 1 and
2, and *Backpropagation Details*, Part 1 and 2 (Josh Starmer), and the articles that follow it by
Ganesh Kumar (dev.to, 2026) and Rijul Rajesh (dev.to). Its network has one input, two softplus units
and one output, with the parameters `w1 b1 w2 b2 w3 w4 b3`, and is fitted to three points: the doses
0, 0.5 and 1 have the effects 0, 1 and 0. The second is *Calculating the Gradient 2* with the
exercise *backprop* of Udacity's course *Deep Learning*.

This page compares the printed numbers with the trained ones, rounded to the same number of digits.
Numbers that differ are bold."""


def _tell_b3(found: Found) -> str:
    parabola = found.parabola
    runs = parabola.runs.set_index("learning_rate")["status"]
    (wrong,) = found.measured[ONLY_B3]["SSR at b3 = 2.61, in an article"]
    above = runs.index[runs == "diverged"].min()
    below = runs.index[runs == "converged"].max()
    return f"""\
## Training only b3

Six parameters are fixed at the values of Part 2 (w1 = 3.34, b1 = -1.43, w2 = -3.53, b2 = 0.57, w3 =
-1.22, w4 = -2.30). b3 starts from 0, and the learning rate is 0.1.

![The steps of b3 on the parabola, and its distance to the minimum](images/lessons_parabola.png)

*Dots are trained, lines are the closed form. With six parameters fixed, SSR is
{parabola.least:.2g} + 3 (b3 - {parabola.minimum:.3f})². A step multiplies the distance to the
minimum by 1 - 6 x rate. That is {parabola.factor(0.1):.1f} at the rate of the lesson, and below -1
above a rate of 1/3.*

{_compared(found, ONLY_B3)}

- An article prints SSR 0.46 for b3 = 2.61. That is the SSR at b3 = 3; at 2.61 it is {wrong:.2g}.
- The slope -6.26 is that at the unrounded b3. At 1.57 it is {found.slope_at_rounded_b3:.2f}.
- At a rate of {below:g} the run converges, and at {above:g} it diverges.

`harness trace experiments/statquest_b3.toml` shows the chain rule of the first step, and with
`--epoch 1` that of the second."""


def _tell_bowl(found: Found) -> str:
    bowl = found.bowl
    rows = [
        (
            f"{rate:g}",
            way["status"].iloc[-1],
            f"{way['epoch'].iloc[-1]}",
            f"{way['ssr'].iloc[-1]:.2g}",
        )
        for rate, way in bowl.paths.groupby("learning_rate")
    ]
    return f"""\
## Training the output layer

The first four parameters are fixed. Training starts from w3 = 0.36, w4 = 0.63 and b3 = 0, and the
learning rate is 0.1.

{_compared(found, OUTPUT_LAYER)}

`harness trace experiments/statquest_output_layer.toml` shows the three chains.

Two parameters can be plotted. Here b3 is fixed at 2.61, and w3 and w4 train from the initial values
of the lesson. The surface is also a sweep: each of its {len(bowl.surface):,} points is the SSR of
an untrained network.

![SSR over w3 and w4, and the paths of four rates](images/lessons_bowl.png)

*The cross is the minimum of a paraboloid through the surface: SSR {bowl.least:.2g} at
w3 = {bowl.minimum[0]:.3f}, w4 = {bowl.minimum[1]:.3f}. The lesson has -1.22 and -2.30. Steps
converge below a rate of {bowl.largest_rate:.4f}, which is 2 over the largest curvature.*

{table(("rate", "status", "steps", "final SSR"), rows)}"""


def _tell_seven(found: Found) -> str:
    squiggle = found.squiggle
    (ssr_printed,) = found.measured[ONLY_B3]["SSR at b3 = 2.61, in an article"]
    runs = squiggle.runs.set_index("learning_rate")
    fit = sorted(runs.index[runs["status"] == "converged"])
    ours = runs.loc[0.1]
    rows = [
        (
            f"trained at {rate:g}",
            *(f"{runs[f'{name}_final'][rate]:.2f}" for name in LESSON),
            f"{runs['ssr_final'][rate]:.2g}",
        )
        for rate in fit
    ]
    printed = [f"{value:.2f}" for value in PART_2.values()]
    rows.insert(0, ("printed in Part 2", *printed, f"{ssr_printed:.2g}"))
    highest = squiggle.fall.loc[squiggle.fall["ssr"].idxmax()]
    return f"""\
## Training all seven parameters

They start from w1 = 2.74, b1 = 0, w2 = -1.13, b2 = 0, w3 = 0.36, w4 = 0.63, b3 = 0.

![The curve of the network after six numbers of epochs, and its SSR](images/lessons_squiggle.png)

*At the rate 0.1, SSR first rises to {highest["ssr"]:.2g} at epoch {highest["epoch"]:.0f}. It then
stays near that of a flat line at 1/3 (SSR 2/3) for a long time, and is {ours["ssr_final"]:.1g}
after {ours["epochs"]} epochs. The dashed curve has the parameters printed in Part 2. Between the
doses 0 and 1, it is at most {squiggle.furthest:.2g} from the last curve.*

{_compared(found, ALL_SEVEN)}

Seven parameters and three points have no unique solution, so this page compares SSR and curve
instead of the parameters. From the same initial values, training at rates that converge stops once
SSR is at most 0.001:

{table(("", *LESSON, "SSR"), rows)}

The two lower rates end near the printed parameters. At 0.1 the first steps are so large that SSR
rises, and the run continues from there to another solution.

`harness trace experiments/statquest_all_seven.toml --parameter w1` shows the longest chain."""


def _tell_exercise(found: Found) -> str:
    (printed,) = PRINTED[EXERCISE]["error term of the output"]
    (ours,) = found.measured[EXERCISE]["error term of the output"]
    return f"""\
## The exercise "backprop"

One data point, three inputs, two sigmoid units, one sigmoid output, no biases, one step. The
exercise has a row for each input in the first matrix; here w1, w2, w3 are the weights of the first
unit.

{_compared(found, EXERCISE)}

The error term has a relative difference of {abs(ours / float(printed) - 1):.0e}, which is rounding:
the exercise multiplies the factors in another order, and its sigmoid differs in the last bit.

`harness trace experiments/backprop_exercise.toml` shows its chains, in the notation of the second
lesson."""
