"""The random numbers of an experiment, from `numpy.random.Philox`, `statistics` and `scipy`.

One number at a time: an addressed word, turned into a uniform or normal number, an order of the
samples, a batch drawn with replacement, or an initial parameter. `harness` may not be imported
here.

A word is addressed, not drawn in sequence: word [index % 4] of the Philox4x64-10 block with counter
(index // 4, major, stream, 0) and key (seed, 0) (Salmon et al. 2011).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from scipy import special

STREAM_PARAMETERS = 0  # major = init_id, index = position in theta
STREAM_INPUTS = 1  # major = 0, index = sample * columns + column
STREAM_TARGETS = 2  # the same
STREAM_BATCHES = 3  # major = epoch; the updates from epoch 0 to epoch 1 have major 0

SCHEMES = (
    "zeros", "constant", "normal", "uniform", "glorot", "he", "lecun", "truncated_normal",
    "orthogonal",
)  # fmt: skip


@lru_cache(maxsize=4096)
def block(seed, stream, major, number):
    """Return the four words, least significant first, of one Philox block."""
    counter = number + (major << 64) + (stream << 128)
    # NumPy increments its counter, with carry over all 256 bits, before it computes a block.
    generator = np.random.Philox(counter=(counter - 1) % 2**256, key=seed)
    return tuple(int(word) for word in generator.random_raw(4))


def word(seed, stream, major, index):
    """Return one 64-bit word as a Python integer."""
    return block(seed, stream, major, index // 4)[index % 4]


def uniform01(seed, stream, major, index):
    """Return a uniform number in [0, 1), a multiple of 2^-53."""
    return (word(seed, stream, major, index) >> 11) * 2.0**-53


def normal(seed, stream, major, index):
    """Return a standard normal number: the inverse CDF of the middle of one of 2^52 cells."""
    return NormalDist().inv_cdf(((word(seed, stream, major, index) >> 12) + 0.5) * 2.0**-52)


def truncated_normal(seed, stream, major, index):
    """Return a standard normal number between -2 and 2, by the formula of PyTorch."""
    between = ((word(seed, stream, major, index) >> 12) + 0.5) * 2.0**-51 - 1.0
    return math.sqrt(2.0) * special.erfinv(math.erf(math.sqrt(2.0)) * between)


def orthogonal(matrix):
    """Return the semi-orthogonal matrix that PyTorch makes of normal numbers, by LAPACK.

    `matrix` is (units, sources), as in PyTorch.
    """
    units, sources = matrix.shape
    q, r = np.linalg.qr(matrix.T if units < sources else matrix)
    q = q * np.sign(np.diag(r))
    return q.T if units < sources else q


def shuffled_order(seed, epoch, samples):
    """Return the order of the samples in an epoch (Fisher-Yates, from the last position down)."""
    order = list(range(samples))
    for i in range(samples - 1, 0, -1):
        j = math.floor(uniform01(seed, STREAM_BATCHES, epoch, i) * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def drawn_indices(seed, epoch, samples, count):
    """Return `count` sample indices drawn with replacement for an epoch."""
    return [math.floor(uniform01(seed, STREAM_BATCHES, epoch, k) * samples) for k in range(count)]


def fma(a, b, c):
    """Return a * b + c rounded once; finite arguments only."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def initial_parameters(
    twin, scheme, init_id, seed=0, scale=1.0, offset=0.0, biases="zeros", parameters=None
):
    """Return the initial parameters of a run, shape (P,).

    Parameters
    ----------
    twin : Twin
        The network; fans are those of the parameter's layer, without the bias.
    scheme : str
        One of `SCHEMES`.
    init_id, seed : int
        Number of the initialisation, and key of the stream.
    scale, offset : float
        Each number is fma(scale * spread, number, offset).
    biases : str
        "zeros" for biases of exactly 0, "same" for biases drawn like the weights of the layer;
        orthogonal ones are a matrix with one row.
    parameters : dict or None
        Values by name that replace those of the scheme.
    """
    assert scheme in SCHEMES
    assert biases in ("zeros", "same")
    names, layers = twin.names(), twin.layer_of_parameters()
    theta = np.empty(len(names))
    if scheme == "orthogonal":
        normals = initial_parameters(twin, "normal", init_id, seed, biases="same")
        numbers = []
        for fan_in, matrix in zip(twin.sizes, twin.unpack(normals), strict=False):
            numbers.append(orthogonal(matrix[:fan_in].T).T.ravel())
            if len(matrix) > fan_in:
                numbers.append(orthogonal(matrix[fan_in:].T).ravel())
        theta[:] = [fma(scale, number, offset) for number in np.concatenate(numbers)]
        if biases == "zeros":
            theta[[name.startswith("b") for name in names]] = 0.0
        return _with_given(theta, names, parameters)
    for k, (name, layer) in enumerate(zip(names, layers, strict=True)):
        fan_in, fan_out = twin.sizes[layer], twin.sizes[layer + 1]
        if name.startswith("b") and biases == "zeros":
            theta[k] = 0.0
            continue
        if scheme == "truncated_normal":
            number = truncated_normal(seed, STREAM_PARAMETERS, init_id, k)
        elif scheme in ("normal", "he", "lecun"):
            number = normal(seed, STREAM_PARAMETERS, init_id, k)
        elif scheme in ("uniform", "glorot"):
            number = 2.0 * uniform01(seed, STREAM_PARAMETERS, init_id, k) - 1.0
        else:
            number = 1.0
        spread = {
            "zeros": 0.0,
            "constant": 1.0,
            "normal": 1.0,
            "uniform": 1.0,
            "truncated_normal": 1.0,
            "glorot": math.sqrt(6.0 / (fan_in + fan_out)),
            "he": math.sqrt(2.0 / fan_in),
            "lecun": math.sqrt(1.0 / fan_in),
        }[scheme]
        theta[k] = fma(scale * spread, number, offset)
    return _with_given(theta, names, parameters)


def _with_given(theta, names, parameters):
    for name, given in (parameters or {}).items():
        theta[names.index(name)] = given
    return theta
