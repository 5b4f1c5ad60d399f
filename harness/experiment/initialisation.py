"""Initialisation schemes; a new scheme is an entry of `SCHEMES`.

Every initial parameter is offset + scale * spread * number. The scheme decides the distribution of
the number, and the spread for the fan-in and fan-out of the layer, which do not count the bias. The
number depends only on the seed, on `init_id`, and on the position of the parameter; those of an
orthogonal scheme depend on the other numbers of the layer, too.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.experiment.network import Network
from harness.kernels import philox


@dataclass(frozen=True, slots=True)
class Scheme:
    """A distribution, by its code in `harness.kernels.philox`, and its spread.

    `formula` writes the spread as in docs/experiment-files.md; `spread` takes fan-in and fan-out.
    With `orthogonal`, the numbers of each layer are made a semi-orthogonal matrix; the spread is 1.
    """

    distribution: int
    formula: str
    spread: Callable[[int, int], float]
    orthogonal: bool = False


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
    # PyTorch, torch.nn.init.trunc_normal_
    "truncated_normal": Scheme(philox.TRUNCATED_NORMAL, "1", lambda fan_in, fan_out: 1.0),
    # Saxe, McClelland and Ganguli (2013); PyTorch, torch.nn.init.orthogonal_
    "orthogonal": Scheme(philox.NORMAL, "1", lambda fan_in, fan_out: 1.0, orthogonal=True),
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
        Initial biases: 0, drawn like the weights of their layer, or this number. Of an orthogonal
        scheme, "same" biases of a layer are a vector of the length of the scale, before the offset.
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
    draw = partial(philox.initialise, theta, seeds, init_ids, chosen.distribution, spread, drawn)
    if chosen.orthogonal:
        draw(np.ones_like(scales), np.zeros_like(offsets))
        for vectors in _vectors(network, has_biases=biases == "same"):
            philox.orthogonalise(theta, vectors, scales, offsets)
    else:
        draw(scales, offsets)
    return theta


def _vectors(network: Network, *, has_biases: bool) -> Iterator[NDArray[np.int64]]:
    """Yield the positions of the vectors that are made orthonormal, shape (vectors, size).

    A matrix of weights has a row for each source and a column for each unit. Its vectors are its
    rows, or its columns if there are more rows: each has a direction of its own then. The biases of
    a layer are a matrix with a single row.
    """
    matrices = network.matrices_of(np.arange(network.parameter_count))
    for fan_in, matrix in zip(network.sizes, matrices, strict=False):
        weights, biases = matrix[:fan_in], matrix[fan_in:]
        yield np.ascontiguousarray(weights.T if fan_in > weights.shape[1] else weights)
        if has_biases:
            yield biases
