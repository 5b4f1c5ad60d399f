"""Curvature of the loss: products with its Hessian H, and its largest eigenvalue, the sharpness.

The passes of `layers` are differentiated along a direction v of theta with the R-operator of
Pearlmutter 1994, "Fast exact multiplication by the Hessian" (Neural Computation 6). With
R{f} = d/dt f(theta + t v) at t = 0, and with V(l) and v_b(l) the matrix and the biases of v:

    R{z(l)}      = s(l) (W(l)' R{a(l-1)} + V(l)' a(l-1) + v_b(l))       R{a(0)} = 0
    R{a(l)}      = slope(l) R{z(l)}
    R{delta(L)}  = curve(L) R{z(L)}                 curve(L) = s(L) d2E/dz(L)2
    R{delta(l)}  = curve(l) R{z(l)} + s(l) slope(l) (W(l+1) R{delta(l+1)} + V(l+1) delta(l+1))
                                    curve(l) = s(l) f''(z(l)) (W(l+1) delta(l+1))
    (H v)(l)[j,k] = R{dE/dW(l)[j,k]} = a(l-1)[j] R{delta(l)[k]} + R{a(l-1)[j]} delta(l)[k]

Outputs p of softmax with cross-entropy depend on all z of their layer, d2E/dz2 = diag(p) - p p':

    R{delta(L)}  = curve(L) (R{z(L)} - sum_j p_j R{z_j(L)})     curve(L) = s(L) weight p

a, slope, delta and curve do not depend on v. They are recorded once, on a tape, from which every
product with H reads them.

The loss that is trained has a penalty, l2/2 theta^2 for each parameter that is penalised. It adds
l2 to the diagonal of H.

Only the parameters that train count: v and H v are 0 at all others. The order of every sum is part
of the definition: data points, sources and units in order, the bias first. Sums over parameters
follow the order of theta.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.kernels._jit import compiled, entry
from harness.kernels.activations import NORMALISED, bend
from harness.kernels.elementary import INFINITY, NAN
from harness.kernels.lanczos import (
    Lanczos,
    largest_eigenvalue,
    make_lanczos,
    residual,
    start,
    step,
)
from harness.kernels.layers import Scratch
from harness.kernels.losses import loss_bend, loss_slope, loss_weight
from harness.kernels.passes import Architecture, Data, Floats, forward, layer_at
from harness.kernels.simd.arithmetic import fma
from harness.kernels.stopping import is_finite

Mask = NDArray[np.bool_]

# Relative to the eigenvalue. With 1e-6, 10 of 6,000 random networks converged to another eigenvalue
# just below; with 1e-8, one did. The mean number of steps rose from 7.3 to 8.0.
TOLERANCE: Final = 1e-8
FLOOR: Final = 1e-10  # smallest tolerance, relative to the largest absolute eigenvalue
MOST_STEPS: Final = 1000  # those networks took 50 at most, and about 10 at the edge of stability


class Tape(NamedTuple):
    """Results of the passes per data point: arrays (m, units), including the input's units."""

    a: Floats
    slope: Floats
    delta: Floats
    curve: Floats


class Along(NamedTuple):
    """Derivatives R{.} at one data point: arrays (units,)."""

    z: Floats
    a: Floats
    delta: Floats


# -- products with the Hessian ---------------------------------------------------------------------


@compiled
def _make_tape(network: Architecture, m: int) -> Tape:
    shape = (m, network.sizes.sum())
    return Tape(np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape))


@compiled
def _make_along(network: Architecture) -> Along:
    units = network.sizes.sum()
    return Along(np.empty(units), np.zeros(units), np.empty(units))  # R{a(0)} stays 0


@compiled
def _from_loss(network: Architecture, data: Data, z: Floats, tape: Tape, i: int) -> None:
    """Fill delta and curve of the last layer."""
    last = network.sizes.size - 1
    scale, output_scale = network.scales[last], network.output_scale
    weight = loss_weight(network.loss, data.y.shape[0], data.y.shape[1])
    for k in range(network.sizes[last]):
        at = network.units[last] + k
        a, slope, y = tape.a[i, at], tape.slope[i, at], data.y[i, k]
        p = output_scale * a
        dz = loss_slope(network.loss, z[at], p, y, output_scale * slope)
        second = output_scale * bend(network.activations[last], a, slope)
        dz2 = loss_bend(network.loss, p, y, output_scale * slope, second)
        tape.delta[i, at] = scale * (weight * dz)
        tape.curve[i, at] = scale * (weight * dz2)


@compiled
def _from_above(network: Architecture, theta: Floats, tape: Tape, l: int, i: int) -> None:
    """Fill delta and curve of the layer below layer l."""
    layer, scale = layer_at(network, l), network.scales[l - 1]
    for j in range(layer.fan_in):
        row = layer.matrix + j * layer.fan_out
        back = 0.0
        for k in range(layer.fan_out):
            back = fma(theta[row + k], tape.delta[i, layer.units + k], back)
        at = layer.sources + j
        a, slope = tape.a[i, at], tape.slope[i, at]
        tape.delta[i, at] = scale * slope * back
        tape.curve[i, at] = scale * bend(network.activations[l - 1], a, slope) * back


@compiled
def _record(
    network: Architecture, theta: Floats, data: Data, tape: Tape, stop: NDArray[np.uint8]
) -> None:
    """Fill the tape for all data points."""
    z, nothing = np.empty(tape.a.shape[1]), np.empty(0)
    for i in range(data.x.shape[0]):
        if stop[0]:
            break
        scratch = Scratch(nothing, z, tape.a[i], tape.slope[i], tape.delta[i], nothing, nothing)
        forward(network, theta, data.x[i], scratch)
        _from_loss(network, data, z, tape, i)
        for l in range(network.sizes.size - 1, 1, -1):
            _from_above(network, theta, tape, l, i)


@compiled
def _forward_along(
    network: Architecture, theta: Floats, v: Floats, tape: Tape, i: int, l: int, along: Along
) -> None:
    """Fill R{z} and R{a} of layer l from those of its sources."""
    layer, scale = layer_at(network, l), network.scales[l]
    bias = layer.matrix + layer.fan_in * layer.fan_out
    dz = along.z[layer.units : layer.units + layer.fan_out]
    for k in range(layer.fan_out):
        dz[k] = v[bias + k] if layer.biased else 0.0
    for j in range(layer.fan_in):
        row = layer.matrix + j * layer.fan_out
        a, da = tape.a[i, layer.sources + j], along.a[layer.sources + j]
        w, dw = theta[row : row + layer.fan_out], v[row : row + layer.fan_out]
        for k in range(layer.fan_out):
            dz[k] = fma(w[k], da, fma(dw[k], a, dz[k]))
    for k in range(layer.fan_out):
        at = layer.units + k
        dz[k] = scale * dz[k]
        along.a[at] = tape.slope[i, at] * dz[k]


@compiled
def _output_along(network: Architecture, tape: Tape, i: int, along: Along) -> None:
    """Fill R{delta} of the last layer from its R{z}."""
    last = network.sizes.size - 1
    first, end = network.units[last], along.z.size
    at_top, mean = 0.0, 0.0
    if NORMALISED[network.activations[last]]:
        # Differences from the most probable output cancel no digits if its p is nearly 1.
        top = first
        for k in range(first, end):
            if tape.a[i, k] > tape.a[i, top]:
                top = k
        at_top = along.z[top]
        for k in range(first, end):
            mean = fma(tape.a[i, k], along.z[k] - at_top, mean)
    for k in range(first, end):
        along.delta[k] = tape.curve[i, k] * (along.z[k] - at_top - mean)


@compiled
def _backward_along(
    network: Architecture,
    theta: Floats,
    v: Floats,
    tape: Tape,
    i: int,
    l: int,
    along: Along,
    product: Floats,
) -> None:
    """Add H v of layer l, given its R{delta}, and fill R{delta} of the layer below."""
    layer, scale_below = layer_at(network, l), network.scales[l - 1]
    delta = tape.delta[i, layer.units : layer.units + layer.fan_out]
    d_delta = along.delta[layer.units : layer.units + layer.fan_out]
    for j in range(layer.fan_in):
        row = layer.matrix + j * layer.fan_out
        below = layer.sources + j
        a, da = tape.a[i, below], along.a[below]
        hv = product[row : row + layer.fan_out]
        for k in range(layer.fan_out):
            hv[k] = fma(a, d_delta[k], fma(da, delta[k], hv[k]))
        if layer.hidden:
            w, dw = theta[row : row + layer.fan_out], v[row : row + layer.fan_out]
            back = 0.0
            for k in range(layer.fan_out):
                back = fma(w[k], d_delta[k], fma(dw[k], delta[k], back))
            back = scale_below * tape.slope[i, below] * back
            along.delta[below] = fma(tape.curve[i, below], along.z[below], back)
    if layer.biased:
        bias = layer.matrix + layer.fan_in * layer.fan_out
        for k in range(layer.fan_out):
            product[bias + k] += d_delta[k]


@compiled
def _multiply(
    network: Architecture,
    theta: Floats,
    tape: Tape,
    v: Floats,
    trains: Mask,
    along: Along,
    product: Floats,
    stop: NDArray[np.uint8],
) -> None:
    """Fill product with H v, where v is 0 for each parameter that does not train."""
    last = network.sizes.size - 1
    for p in range(product.size):
        product[p] = 0.0
    for i in range(tape.a.shape[0]):
        if stop[0]:
            break
        for l in range(1, last + 1):
            _forward_along(network, theta, v, tape, i, l, along)
        _output_along(network, tape, i, along)
        for l in range(last, 0, -1):
            _backward_along(network, theta, v, tape, i, l, along, product)
    for p in range(product.size):
        if not trains[p]:
            product[p] = 0.0


@entry
def hessian_product(
    network: Architecture, theta: Floats, data: Data, v: Floats, trains: Mask
) -> Floats:
    """Return H v (P,), where H is the Hessian of the loss over all data points.

    The rows and columns of parameters that do not train are 0.
    """
    stop = np.zeros(1, dtype=np.uint8)
    tape = _make_tape(network, data.x.shape[0])
    product = np.empty(theta.size)
    _record(network, theta, data, tape, stop)
    trained = np.empty(theta.size)
    for p in range(theta.size):
        trained[p] = v[p] if trains[p] else 0.0
    _multiply(network, theta, tape, trained, trains, _make_along(network), product, stop)
    return product


# -- the largest eigenvalue ------------------------------------------------------------------------


@compiled
def sharpness(
    network: Architecture,
    theta: Floats,
    data: Data,
    trains: Mask,
    penalised: Mask,
    l2: float,
    tape: Tape,
    along: Along,
    work: Lanczos,
    stop: NDArray[np.uint8],
) -> float:
    """Return the largest eigenvalue of the Hessian at theta; see `sharpness_of`."""
    if not is_finite(theta):
        return NAN
    _record(network, theta, data, tape, stop)
    q, q_before, alpha, beta = work.q, work.q_before, work.alpha, work.beta
    start(trains, work)
    largest, norm, due = 0.0, 0.0, 0
    for k in range(MOST_STEPS):
        _multiply(network, theta, tape, q, trains, along, work.product, stop)
        if l2 != 0.0:
            for p in range(theta.size):
                if penalised[p]:
                    work.product[p] = fma(l2, q[p], work.product[p])
        step(q, q_before, work.product, alpha, beta, k)
        size = abs(alpha[k]) + beta[k]
        if stop[0] or not size < INFINITY:
            return NAN
        norm = max(norm, size)
        if k == due or beta[k] <= FLOOR * norm or k == MOST_STEPS - 1:
            largest = largest_eigenvalue(alpha, beta, k + 1)
            enough = max(TOLERANCE * abs(largest), FLOOR * norm)
            if residual(largest, alpha, beta, k + 1) <= enough:
                break
            due = k + 1 + k // 8  # the cost of a test grows with the size of T
        q, q_before = q_before, q
    return largest


@entry
def sharpness_of(
    network: Architecture,
    thetas: Floats,
    data: Data,
    trains: Mask,
    penalised: Mask,
    l2: Floats,
    stop: NDArray[np.uint8],
    out: Floats,
) -> None:
    """Write the sharpness at each row of thetas (n, P) into out (n,).

    Sharpness is the largest eigenvalue, by value and not by magnitude, of the Hessian of the loss
    over all data points with respect to the parameters that train. The loss is that which is
    trained: with the penalty, whose factor is `l2` (n,), on the parameters that are `penalised`. It
    is 0 if none trains, and NaN if theta or a product with the Hessian is not finite.

    The method is in `lanczos`. It stops when |H y - x y| is at most `TOLERANCE` |x|, or at most
    `FLOOR` times the largest absolute eigenvalue, for the eigenvalue x and its unit vector y. An
    eigenvalue of H is then that close to x. If it is the only one nearby, x is right to the last
    few digits: the error is the square of that residual over the distance to the next eigenvalue.
    It is the largest one, unless the start vector is nearly orthogonal to the largest one's vector;
    x is then a little too small. After `MOST_STEPS` steps, x is the best estimate so far, which is
    never too large.

    The start vector is standard normal and the same for all rows: its element p is drawn from word
    p of stream 4 of `philox`, with seed and major 0.

    Another thread may set `stop[0]`. The contents of out are then meaningless.
    """
    tape, along = _make_tape(network, data.x.shape[0]), _make_along(network)
    work = make_lanczos(thetas.shape[1], MOST_STEPS)
    for row in range(thetas.shape[0]):
        if stop[0]:
            break
        out[row] = sharpness(
            network, thetas[row], data, trains, penalised, l2[row], tape, along, work, stop
        )
