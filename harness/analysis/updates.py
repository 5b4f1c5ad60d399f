"""One update of one parameter in numbers, line by line, from the derivative to the step size."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from harness.kernels.optimisers import Optimiser


class Shared(NamedTuple):
    """Numbers that all parameters of an update share."""

    factor: float | None  # of the schedule on the learning rate; None without one
    norm: float  # of the gradient with penalties, over all parameters that train


def explain_update(
    optimiser: Optimiser,
    old: float,
    derivative: float,
    settings: Mapping[str, float],
    state: Mapping[str, float],
    shared: Shared,
    *,
    penalised: bool,
) -> tuple[dict[str, float], str]:
    """Return the numbers of an update by name, and format strings that show them.

    There is a line for each equation, in the order of `optimisers.make_update`.

    Parameters
    ----------
    optimiser : Optimiser
        The optimiser.
    old, derivative : float
        The parameter, and the derivative of the loss.
    settings, state : mapping
        Those of the optimiser by name; see `optimisers.explain_sgd`.
    shared : Shared
        Numbers that all parameters share.
    penalised : bool
        Whether the parameter has penalty and weight decay.

    Returns
    -------
    tuple of dict and str
        The numbers always have `derivative`, `gradient` (what the optimiser is given),
        `learning_rate` (that of this update), `decayed` (the parameter after weight decay) and, as
        the last one, `step_size`. Others are there if the update uses them.
    """
    numbers = {"derivative": derivative}
    lines = []
    gradient, shown = derivative, "{derivative}"
    if settings["l2"]:
        l2 = settings["l2"] if penalised else 0.0
        gradient += l2 * old
        numbers |= {"l2": l2, "with_penalty": gradient}
        if l2:
            lines.append("derivative with penalty = {derivative} + {l2} x {old} = {with_penalty}")
            shown = "{with_penalty}"
    if settings["clip_norm"] < math.inf:
        clip_norm, norm = settings["clip_norm"], shared.norm
        clipping = clip_norm / norm if norm > clip_norm else 1.0
        gradient *= clipping
        numbers |= {"clip_norm": clip_norm, "norm": norm, "clipping": clipping}
        lines.append(
            "clipping by the norm of the gradient = min(1, {clip_norm} / {norm}) = {clipping}"
        )
        lines.append("clipped derivative = " + shown + " x {clipping} = {gradient}")
    numbers["gradient"] = gradient

    learning_rate = settings["learning_rate"]
    if shared.factor is not None:
        numbers |= {"base_rate": learning_rate, "factor": shared.factor}
        learning_rate *= shared.factor
        lines.append("learning rate = {base_rate} x {factor} = {learning_rate}")
    numbers["learning_rate"] = learning_rate

    decayed = old
    if settings["weight_decay"]:
        weight_decay = settings["weight_decay"] if penalised else 0.0
        decayed *= 1.0 - learning_rate * weight_decay
        numbers["weight_decay"] = weight_decay
        if weight_decay:
            lines.append(
                "after weight decay = {old} x (1 - {learning_rate} x {weight_decay}) = {decayed}"
            )
    numbers["decayed"] = decayed

    step, of_step = optimiser.explain(gradient, {**settings, "learning_rate": learning_rate}, state)
    return numbers | step, "\n".join([*lines, of_step])
