"""Initialisation schemes; a new scheme is an entry of `SCHEMES`.

Every initial parameter is offset + scale * spread * number. The scheme decides the distribution of
the number, and the spread for the fan-in and fan-out of the layer, which do not count the bias. The
number depends only on the seed, on `init_id`, and on the position of the parameter.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.experiment.network import Network
from harness.kernels import philox


@dataclass(frozen=True, slots=True)
class Scheme:
    """A distribution, by its code in `harness.kernels.philox`, and its spread.

    `formula` writes the spread as in docs/experiment-files.md; `spread` takes fan-in and fan-out.
    """

    distribution: int
    formula: str
    spread: Callable[[int, int], float]


SCHEMES = {
    "zeros": Scheme(philox.CONSTANT, "0", lambda fan_in, fan_out: 0.0),
    "constant": Scheme(philox.CONSTANT, "1", lambda fan_in, fan_out: 1.0),
    "normal": Scheme(philox.NORMAL, "1", lambda fan_in, fan_out: 1.0),
    "uniform": Scheme(philox.UNIFORM, "1", lambda fan_in, fan_out: 1.0),
    # Glorot and Bengio (2010), equation 16
    "glorot": Scheme(
        philox.UNIFORM,
        "√(6 / (fan_in + fan_out))",
        lambda fan_in, fan_out: math.sqrt(6.0 / (fan_in + fan_out)),
    ),
    # He, Zhang, Ren and Sun (2015), equation 10
    "he": Scheme(philox.NORMAL, "√(2 / fan_in)", lambda fan_in, fan_out: math.sqrt(2.0 / fan_in)),
    # LeCun, Bottou, Orr and Mueller (1998), section 4.6
    "lecun": Scheme(
        philox.NORMAL, "√(1 / fan_in)", lambda fan_in, fan_out: math.sqrt(1.0 / fan_in)
    ),
}


def initial_parameters(
    network: Network,
    *,
    scheme: str,
    biases: Literal["zeros", "same"] | float,
    seeds: NDArray[np.uint64],
    init_ids: NDArray[np.uint64],
    scales: NDArray[np.float64],
    offsets: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Draw the initial parameters of some runs.

    Parameters
    ----------
    network : Network
        Network of the runs.
    scheme : str
        One of `SCHEMES`.
    biases : "zeros", "same" or float
        Initial biases: 0, drawn like the weights of their layer, or this number.
    seeds, init_ids, scales, offsets : arrays of shape (runs,)
        Seed, `init_id`, scale and offset of each run.

    Returns
    -------
    array of shape (runs, P)
        Theta of each run.
    """
    chosen = SCHEMES[scheme]
    spread = np.array(
        [chosen.spread(network.sizes[i], network.sizes[i + 1]) for i in range(network.layers)]
    )[network.layer_of]
    drawn = np.ones(network.parameter_count, dtype=np.bool_)
    theta = np.zeros((init_ids.size, network.parameter_count))
    if biases != "same":
        drawn[network.bias_positions] = False
        theta[:, network.bias_positions] = 0.0 if biases == "zeros" else biases
    philox.initialise(theta, seeds, init_ids, chosen.distribution, spread, drawn, scales, offsets)
    return theta
