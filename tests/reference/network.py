"""One small network: packing, names, forward pass, loss, and its gradient by three routes.

Written for complex numbers, so that `gradient_by_complex_step` differentiates `loss` to machine
precision without calculus; `gradient_by_backpropagation` is the calculus. Neither Numba nor
`harness` may be imported here, or agreement would prove nothing.

Symbols: z(l) = s(l) (W(l)' a(l-1) + b(l)), a(l) = f(z(l)), a(0) = x, predicted = output_scale a(L).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COMPLEX_STEP = 1e-200  # its square underflows to zero, so there is no truncation error
DIFFERENCE_STEP = 1e-5  # central differences: about 1e-10 relative for losses of order one


def _away_from_overflow(z):
    """Return z or -z, whichever has the negative real part."""
    return np.where(z.real > 0, -z, z)


def _log1p(u):
    # NumPy's complex log1p adds 1 before it takes the logarithm, which loses small u.
    if not np.iscomplexobj(u):
        return np.log1p(u)
    x, y = u.real, u.imag
    return 0.5 * np.log1p(x * (2 + x) + y * y) + 1j * np.arctan2(y, 1 + x)


def softplus(z):
    """Return ln(1 + e^z), for real or complex z."""
    z = np.asarray(z)
    return np.where(z.real > 0, z, 0) + _log1p(np.exp(_away_from_overflow(z)))


def sigmoid(z):
    """Return 1 / (1 + e^-z), for real or complex z."""
    z = np.asarray(z)
    e = np.exp(_away_from_overflow(z))
    return np.where(z.real > 0, 1, e) / (1 + e)


def tanh(z):
    """Return tanh z, for real or complex z."""
    z = np.asarray(z)
    u = np.expm1(2 * _away_from_overflow(z))
    return np.where(z.real > 0, -1, 1) * u / (u + 2)


def relu(z):
    """Return z if its real part is positive, otherwise 0."""
    z = np.asarray(z)
    return np.where(z.real > 0, z, 0)


def leaky_relu(z, slope=0.01):
    """Return z if its real part is positive, otherwise slope z."""
    z = np.asarray(z)
    return np.where(z.real > 0, z, slope * z)


def elu(z):
    """Return z if its real part is positive, otherwise e^z - 1."""
    z = np.asarray(z)
    return np.where(z.real > 0, z, np.expm1(np.where(z.real > 0, 0, z)))


def silu(z):
    """Return z / (1 + e^-z), for real or complex z."""
    return z * sigmoid(z)


def inside_gelu(z):
    """Return 2 sqrt(2/pi) (z + 0.044715 z^3) and its derivative."""
    factor = 2 * np.sqrt(2 / np.pi)
    return factor * (z + 0.044715 * z**3), factor * (1 + 3 * 0.044715 * z**2)


def gelu(z):
    """Return z/2 (1 + tanh(v/2)), which is z sigmoid(v), for real or complex z."""
    return z * sigmoid(inside_gelu(z)[0])


def gelu_slope(z):
    """Return the derivative of gelu."""
    v, dv = inside_gelu(z)
    return sigmoid(v) + z * sigmoid(v) * sigmoid(-v) * dv


def identity(z):
    """Return z."""
    return np.asarray(z)


def log_softmax(z):
    """Return z - ln(sum of e^z over the last axis), for real or complex z."""
    z = np.asarray(z)
    z = z - z.real.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def softmax(z):
    """Return e^z / (sum of e^z over the last axis), for real or complex z."""
    return np.exp(log_softmax(z))


ACTIVATIONS = {
    "softplus": softplus,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "silu": silu,
    "sine": np.sin,
    "identity": identity,
    "softmax": softmax,
}

# f'(z) from z, in forms that do not cancel for large |z|; at a kink, that from below. Softmax has a
# matrix.
SLOPES = {
    "softplus": sigmoid,
    "sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
    "tanh": lambda z: 4 * sigmoid(2 * z) * sigmoid(-2 * z),
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "leaky_relu": lambda z, slope=0.01: np.where(z > 0, 1.0, slope),
    "elu": lambda z: np.exp(np.where(z.real > 0, 0, z)),
    "gelu": gelu_slope,
    "silu": lambda z: sigmoid(z) + z * sigmoid(z) * sigmoid(-z),
    "sine": np.cos,
    "identity": lambda z: np.ones_like(z),
}

# Factors of the squared residuals, by the number of targets.
SQUARED = {
    "ssr": lambda size: 1.0,
    "half_ssr": lambda size: 0.5,
    "mse": lambda size: 1.0 / size,
    "half_mse": lambda size: 0.5 / size,
}
LOSSES = (*SQUARED, "mae", "huber", "hinge", "cross_entropy")
KINKED = ("relu", "leaky_relu")  # activations whose slope jumps at 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A network and its loss, without the parameters.

    `sizes` are n0..nL; the other tuples have one entry per layer after the input. `None` stands for
    biases in all layers and for scales of 1. `slope` is that of leaky_relu, and `delta` that of
    huber.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str = "ssr"
    biases: tuple[bool, ...] | None = None
    scales: tuple[float, ...] | None = None
    output_scale: float = 1.0
    slope: float = 0.01
    delta: float = 1.0

    def __post_init__(self):
        layers = len(self.sizes) - 1
        if self.biases is None:
            object.__setattr__(self, "biases", (True,) * layers)
        if self.scales is None:
            object.__setattr__(self, "scales", (1.0,) * layers)
        assert layers == len(self.activations) == len(self.biases) == len(self.scales)
        assert self.loss in LOSSES
        if self.loss == "cross_entropy":
            assert self.activations[-1] in ("sigmoid", "softmax")
            assert self.output_scale == 1.0
        assert "softmax" not in self.activations[:-1]

    @property
    def layers(self):
        """Number of layers after the input, L."""
        return len(self.sizes) - 1

    @property
    def shapes(self):
        """Shape of each layer's matrix; the last row is the bias if the layer has one."""
        return [
            (n_in + bias, n_out)
            for n_in, n_out, bias in zip(self.sizes, self.sizes[1:], self.biases, strict=False)
        ]

    @property
    def parameters(self):
        """Length of theta, P."""
        return sum(rows * columns for rows, columns in self.shapes)

    def layer_of_parameters(self):
        """Return for each entry of theta the index (from 0) of its layer, shape (P,)."""
        return np.repeat(range(self.layers), [rows * columns for rows, columns in self.shapes])

    def names(self):
        """Return the P parameter names in the order of theta (layer, row, column)."""
        names, weights, biases = [], 0, 0
        for (rows, n_out), n_in in zip(self.shapes, self.sizes, strict=False):
            for row in range(rows):
                for unit in range(n_out):
                    if row < n_in:
                        names.append(f"w{weights + unit * n_in + row + 1}")
                    else:
                        names.append(f"b{biases + unit + 1}")
            weights += n_in * n_out
            biases += n_out * (rows - n_in)
        return names

    def table_names(self):
        """Return the same names unit by unit, its weights and then its bias: w1 b1 w2 b2 w3 .."""
        names, weights, biases = [], 0, 0
        for n_in, n_out, bias in zip(self.sizes, self.sizes[1:], self.biases, strict=False):
            for _ in range(n_out):
                for _ in range(n_in):
                    weights += 1
                    names.append(f"w{weights}")
                if bias:
                    biases += 1
                    names.append(f"b{biases}")
        return names

    def theta(self, **values):
        """Return theta, shape (P,), from every parameter by name."""
        assert sorted(values) == sorted(self.names())
        return np.array([values[name] for name in self.names()])

    def unpack(self, theta):
        """Return the layers' matrices W(1)..W(L) of theta, biases as their last rows."""
        theta = np.asarray(theta)
        assert theta.shape == (self.parameters,)
        matrices, start = [], 0
        for rows, columns in self.shapes:
            matrices.append(theta[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
        return matrices

    def forward(self, theta, inputs):
        """Return z(1)..z(L) and a(0)..a(L), each of shape (m, units)."""
        pre_activations, outputs = [], [np.asarray(inputs)]
        for index, matrix in enumerate(self.unpack(theta)):
            n_in = self.sizes[index]
            total = outputs[-1] @ matrix[:n_in]
            if self.biases[index]:
                total = total + matrix[n_in]
            z = self.scales[index] * total
            pre_activations.append(z)
            outputs.append(self.of_layer(ACTIVATIONS, index, z))
        return pre_activations, outputs

    def of_layer(self, table, index, z):
        """Return the activation, or another function in a table, of a layer, counted from 0."""
        name = self.activations[index]
        return table[name](z, self.slope) if name == "leaky_relu" else table[name](z)

    def predict(self, theta, inputs):
        """Return the predictions for inputs (m, n0), shape (m, nL)."""
        return self.output_scale * self.forward(theta, inputs)[1][-1]

    def ssr(self, theta, inputs, targets):
        """Return the sum of squared residuals over all samples and outputs."""
        return np.sum((targets - self.predict(theta, inputs)) ** 2)

    def value(self, theta, inputs, targets):
        """Return the loss of these samples."""
        if self.loss == "cross_entropy":
            z = self.forward(theta, inputs)[0][-1]
            if self.activations[-1] == "softmax":
                return -np.sum(targets * log_softmax(z)) / len(targets)
            return np.sum(softplus(z) - targets * z) / len(targets)
        if self.loss in SQUARED:
            return SQUARED[self.loss](np.size(targets)) * self.ssr(theta, inputs, targets)
        p = self.predict(theta, inputs)
        if self.loss == "hinge":
            return np.mean(np.where((targets * p).real < 1, 1 - targets * p, 0))
        distance = np.where(p.real > targets.real, p - targets, targets - p)
        if self.loss == "mae":
            return np.mean(distance)
        far = self.delta * (distance - self.delta / 2)
        return np.mean(np.where(distance.real < self.delta, distance**2 / 2, far))

    @property
    def has_kinks(self):
        """Whether the gradient jumps somewhere."""
        return self.loss in ("mae", "hinge") or any(name in KINKED for name in self.activations)

    def distance_to_kinks(self, theta, inputs, targets):
        """Return the least distance of a pre-activation, residual or margin from a jump."""
        found = [np.inf]
        for z, name in zip(self.forward(theta, inputs)[0], self.activations, strict=True):
            if name in KINKED:
                found.append(np.abs(z).min())
        p = self.predict(theta, inputs)
        if self.loss == "mae":
            found.append(np.abs(p - targets).min())
        if self.loss == "hinge":
            found.append(np.abs(1 - targets * p).min())
        return min(found)


def gradient(twin, theta, inputs, targets):
    """Return the gradient without calculus, shape (P,).

    Smooth networks use the complex step and those with kinks central differences, because the
    complex step would choose the side of a kink by the comparison under test.
    """
    if twin.has_kinks:
        return gradient_by_differences(twin, theta, inputs, targets)
    return gradient_by_complex_step(twin, theta, inputs, targets)


def gradient_by_complex_step(twin, theta, inputs, targets):
    """Return Im(loss(theta + i h e_k)) / h for each k (Squire and Trapp 1998)."""
    result = np.empty(twin.parameters)
    for k in range(twin.parameters):
        moved = np.array(theta, dtype=complex)
        moved[k] += 1j * COMPLEX_STEP
        result[k] = twin.value(moved, inputs, targets).imag / COMPLEX_STEP
    return result


def gradient_by_differences(twin, theta, inputs, targets, step=DIFFERENCE_STEP):
    """Return the central differences of the loss; meaningless within `step` of a kink."""
    result = np.empty(twin.parameters)
    for k in range(twin.parameters):
        up, down = np.array(theta, dtype=float), np.array(theta, dtype=float)
        up[k] += step
        down[k] -= step
        change = twin.value(up, inputs, targets) - twin.value(down, inputs, targets)
        result[k] = change / (up[k] - down[k])
    return result


def loss_slope(twin, p, targets):
    """Return the derivative of the loss, other than cross-entropy, at each prediction p."""
    size = np.size(targets)
    if twin.loss in SQUARED:
        return -2 * SQUARED[twin.loss](size) * (targets - p)
    if twin.loss == "hinge":
        return np.where((targets * p).real < 1, -targets, 0.0) / size
    sign = np.sign((p - targets).real)
    if twin.loss == "mae":
        return sign / size
    return np.where(np.abs((p - targets).real) < twin.delta, p - targets, twin.delta * sign) / size


def gradient_by_backpropagation(twin, theta, inputs, targets):
    """Return the gradient by the chain rule from the output back, shape (P,).

    The targets of softmax outputs must sum to 1 at each data point.
    """
    matrices = twin.unpack(theta)
    pre_activations, outputs = twin.forward(theta, inputs)
    samples = len(targets)
    if twin.loss == "cross_entropy":
        dz = (outputs[-1] - targets) / samples
    else:
        d_predicted = loss_slope(twin, twin.output_scale * outputs[-1], targets)
        slope = twin.of_layer(SLOPES, -1, pre_activations[-1])
        dz = d_predicted * twin.output_scale * slope
    pieces = []
    for index in reversed(range(twin.layers)):
        n_in, scale = twin.sizes[index], twin.scales[index]
        rows = [scale * (outputs[index].T @ dz)]
        if twin.biases[index]:
            rows.append(scale * dz.sum(axis=0, keepdims=True))
        pieces.append(np.concatenate(rows).ravel())
        if index > 0:
            slope = twin.of_layer(SLOPES, index - 1, pre_activations[index - 1])
            dz = scale * (dz @ matrices[index][:n_in].T) * slope
    return np.concatenate(pieces[::-1])
