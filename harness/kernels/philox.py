"""Counter-based random numbers: Philox4x64-10 and the draws made with it, without any state.

Each number is determined by its place of use: word(seed, stream, major, index) is word index % 4
of the block with key (seed, 0) and counter (index // 4, major, stream, 0), least significant first.
"""

import math

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled, entry
from harness.kernels.elementary import log
from harness.kernels.simd.arithmetic import add_wrapping, fma, multiply_high_low

Word = np.uint64
Seed = int | np.uint64  # entries are compiled once per type, so pass uint64
Floats = NDArray[np.float64]

# Streams, one per use.
STREAM_PARAMETERS = np.uint64(0)  # major = init_id, index = position in theta
STREAM_INPUTS = np.uint64(1)  # major = part of the data, index = sample * columns + column
STREAM_TARGETS = np.uint64(2)
STREAM_BATCHES = np.uint64(3)  # major = number of epochs done before
STREAM_SPLIT = np.uint64(5)  # index = data point; `lanczos` has stream 4
STREAM_AXES = np.uint64(6)  # major = hash of the name of the axis, index = number of the value

# Distributions of initial parameters.
CONSTANT = 0  # always 1
UNIFORM = 1  # from -1 to 1
NORMAL = 2  # mean 0, standard deviation 1
TRUNCATED_NORMAL = 3  # the same, cut off at -2 and 2

# Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3": multipliers and key steps.
ROUNDS = 10
MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
KEY_STEP_0 = np.uint64(0x9E3779B97F4A7C15)  # golden ratio
KEY_STEP_1 = np.uint64(0xBB67AE8584CAA73B)  # sqrt(3) - 1

# Probability of 0 to 2 in the standard normal distribution.
ZERO_TO_TWO = 0.4772498680518208

# uint64 constants, because in Numba uint64 and int64 combine to float64.
ZERO = np.uint64(0)
TWO = np.uint64(2)
THREE = np.uint64(3)
ELEVEN = np.uint64(11)
TWELVE = np.uint64(12)


@compiled
def philox_block(
    seed: Word, stream: Word, major: Word, block: Word
) -> tuple[Word, Word, Word, Word]:
    """Return the four words with counter (block, major, stream, 0) and key (seed, 0)."""
    c0, c1, c2, c3 = block, major, stream, ZERO
    k0, k1 = seed, ZERO
    for _ in range(ROUNDS):
        high_0, low_0 = multiply_high_low(MULTIPLIER_0, c0)
        high_1, low_1 = multiply_high_low(MULTIPLIER_1, c2)
        c0, c1, c2, c3 = high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0
        k0 = add_wrapping(k0, KEY_STEP_0)
        k1 = add_wrapping(k1, KEY_STEP_1)
    return c0, c1, c2, c3


@compiled
def word(seed: Word, stream: Word, major: Word, index: Word) -> Word:
    """Return one word. For four neighbouring words at once, use `philox_block`."""
    return philox_block(seed, stream, major, index >> TWO)[index & THREE]


@compiled
def uniform01(x: Word) -> float:
    """Return the top 53 bits of a word as a number in [0, 1)."""
    return float(x >> ELEVEN) * 2.0**-53


@compiled
def normal(x: Word) -> float:
    """Return a number from N(0, 1): the quantile at ((x >> 12) + 1/2) 2^-52."""
    return quantile((float(x >> TWELVE) + 0.5) * 2.0**-52 - 0.5)


# Largest error: 5.1 ulp, of 70,000 numbers.
@compiled
def truncated_normal(x: Word) -> float:
    """Return a number from N(0, 1) between -2 and 2.

    A uniform number from Φ(-2) to Φ(2) is turned into its quantile, as by PyTorch's
    `trunc_normal_`. The standard deviation is 0.8796, and is not scaled to 1.
    """
    return quantile(ZERO_TO_TWO * ((float(x >> TWELVE) + 0.5) * 2.0**-51 - 1.0))


@compiled
def quantile(q: float) -> float:
    """Return the quantile of N(0, 1) at 1/2 + q.

    Wichura 1988, algorithm AS241, PPND16. The probability of the tail, 1/2 - |q|, is exact where it
    is used.
    """
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = fma(2509.0809287301226727, r, 33430.575583588128105)
        above = fma(above, r, 67265.770927008700853)
        above = fma(above, r, 45921.953931549871457)
        above = fma(above, r, 13731.693765509461125)
        above = fma(above, r, 1971.5909503065514427)
        above = fma(above, r, 133.14166789178437745)
        above = fma(above, r, 3.3871328727963666080)
        below = fma(5226.4952788528545610, r, 28729.085735721942674)
        below = fma(below, r, 39307.895800092710610)
        below = fma(below, r, 21213.794301586595867)
        below = fma(below, r, 5394.1960214247511077)
        below = fma(below, r, 687.18700749205790830)
        below = fma(below, r, 42.313330701600911252)
        below = fma(below, r, 1.0)
        return q * above / below
    r = math.sqrt(-log(0.5 - abs(q)))
    if r <= 5.0:
        r = r - 1.6
        above = fma(7.74545014278341407640e-4, r, 2.27238449892691845833e-2)
        above = fma(above, r, 2.41780725177450611770e-1)
        above = fma(above, r, 1.27045825245236838258)
        above = fma(above, r, 3.64784832476320460504)
        above = fma(above, r, 5.76949722146069140550)
        above = fma(above, r, 4.63033784615654529590)
        above = fma(above, r, 1.42343711074968357734)
        below = fma(1.05075007164441684324e-9, r, 5.47593808499534494600e-4)
        below = fma(below, r, 1.51986665636164571966e-2)
        below = fma(below, r, 1.48103976427480074590e-1)
        below = fma(below, r, 6.89767334985100004550e-1)
        below = fma(below, r, 1.67638483018380384940)
        below = fma(below, r, 2.05319162663775882187)
        below = fma(below, r, 1.0)
    else:
        r = r - 5.0
        above = fma(2.01033439929228813265e-7, r, 2.71155556874348757815e-5)
        above = fma(above, r, 1.24266094738807843860e-3)
        above = fma(above, r, 2.65321895265761230930e-2)
        above = fma(above, r, 2.96560571828504891230e-1)
        above = fma(above, r, 1.78482653991729133580)
        above = fma(above, r, 5.46378491116411436990)
        above = fma(above, r, 6.65790464350110377720)
        below = fma(2.04426310338993978564e-15, r, 1.42151175831644588870e-7)
        below = fma(below, r, 1.84631831751005468180e-5)
        below = fma(below, r, 7.86869131145613259100e-4)
        below = fma(below, r, 1.48753612908506148525e-2)
        below = fma(below, r, 1.36929880922735805310e-1)
        below = fma(below, r, 5.99832206555887937690e-1)
        below = fma(below, r, 1.0)
    return -above / below if q < 0.0 else above / below


@compiled
def shuffle(order: NDArray[np.int64], seed: Seed, epoch: Seed) -> None:
    """Fill order with 0 .. m-1, shuffled for an epoch (Fisher and Yates, from the end)."""
    m = order.size
    for i in range(m):
        order[i] = i
    for block in range((m - 1) // 4, -1, -1):
        words = philox_block(np.uint64(seed), STREAM_BATCHES, np.uint64(epoch), np.uint64(block))
        for lane in range(3, -1, -1):
            i = 4 * block + lane
            if 1 <= i < m:
                j = int(uniform01(words[lane]) * (i + 1))
                order[i], order[j] = order[j], order[i]


@compiled
def draw(order: NDArray[np.int64], seed: Seed, epoch: Seed, samples: int) -> None:
    """Fill order with the data points of an epoch, each drawn from 0 .. samples-1."""
    for block in range((order.size + 3) // 4):
        words = philox_block(np.uint64(seed), STREAM_BATCHES, np.uint64(epoch), np.uint64(block))
        for lane in range(4):
            k = 4 * block + lane
            if k < order.size:
                order[k] = int(uniform01(words[lane]) * samples)


@entry
def fill_normal(out: Floats, seed: Seed, stream: Seed, major: Seed) -> None:
    """Fill out, of shape (n,), with `normal` of the words with index 0 .. n-1."""
    for block in range((out.size + 3) // 4):
        words = philox_block(np.uint64(seed), np.uint64(stream), np.uint64(major), np.uint64(block))
        for lane in range(4):
            if 4 * block + lane < out.size:
                out[4 * block + lane] = normal(words[lane])


@entry
def fill_uniform(out: Floats, seed: Seed, stream: Seed, major: Seed) -> None:
    """Fill out, of shape (n,), with `uniform01` of the words with index 0 .. n-1."""
    for block in range((out.size + 3) // 4):
        words = philox_block(np.uint64(seed), np.uint64(stream), np.uint64(major), np.uint64(block))
        for lane in range(4):
            if 4 * block + lane < out.size:
                out[4 * block + lane] = uniform01(words[lane])


@entry
def initialise(
    theta: Floats,
    seeds: NDArray[np.uint64],
    init_ids: NDArray[np.uint64],
    distribution: int,
    spread: Floats,
    drawn: NDArray[np.bool_],
    scales: Floats,
    offsets: Floats,
) -> None:
    """Fill theta, of shape (runs, P), with initial parameters.

    Where drawn[p] is true, theta[r, p] = offsets[r] + (scales[r] spread[p]) number, by a fused
    multiply-add. The number depends only on seeds[r], init_ids[r] and p, not on other runs and
    parameters. Elsewhere, theta is left unchanged.
    """
    for run in range(theta.shape[0]):
        for block in range((theta.shape[1] + 3) // 4):
            words = philox_block(seeds[run], STREAM_PARAMETERS, init_ids[run], np.uint64(block))
            for lane in range(4):
                p = 4 * block + lane
                if p < theta.shape[1] and drawn[p]:
                    number = 1.0
                    if distribution == UNIFORM:
                        number = fma(2.0, uniform01(words[lane]), -1.0)
                    elif distribution == NORMAL:
                        number = normal(words[lane])
                    elif distribution == TRUNCATED_NORMAL:
                        number = truncated_normal(words[lane])
                    theta[run, p] = fma(scales[run] * spread[p], number, offsets[run])


@entry
def orthogonalise(
    theta: Floats, vectors: NDArray[np.int64], scales: Floats, offsets: Floats
) -> None:
    """Make vectors in theta, of shape (runs, P), orthonormal, and scale and offset them.

    Vector v has the parameters theta[:, vectors[v]]. It becomes column v of the Q of a QR
    decomposition in which the diagonal of R is positive; then it is multiplied by scales[r], and
    offsets[r] is added, by a fused multiply-add.

    Modified Gram-Schmidt. Each vector is made orthogonal twice, so that rounding errors do not grow
    with the condition number (Giraud, Langou and Rozložník 2005).
    """
    count, size = vectors.shape
    for run in range(theta.shape[0]):
        for v in range(count):
            for _ in range(2):
                for u in range(v):
                    shared = 0.0
                    for k in range(size):
                        shared = fma(theta[run, vectors[u, k]], theta[run, vectors[v, k]], shared)
                    for k in range(size):
                        theta[run, vectors[v, k]] = fma(
                            -shared, theta[run, vectors[u, k]], theta[run, vectors[v, k]]
                        )
            square = 0.0
            for k in range(size):
                square = fma(theta[run, vectors[v, k]], theta[run, vectors[v, k]], square)
            length = math.sqrt(square)
            for k in range(size):
                theta[run, vectors[v, k]] /= length
        for v in range(count):
            for k in range(size):
                number = theta[run, vectors[v, k]]
                theta[run, vectors[v, k]] = fma(scales[run], number, offsets[run])
