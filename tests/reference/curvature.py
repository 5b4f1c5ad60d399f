"""The dense Hessian of a twin's loss, without `harness`."""

import numpy as np

from .network import COMPLEX_STEP, gradient_by_backpropagation


def hessian(twin, theta, inputs, targets):
    """Return d2 loss / dtheta2, shape (P, P): the complex step of the gradient, row by row."""
    rows = []
    for k in range(twin.parameters):
        moved = np.array(theta, dtype=complex)
        moved[k] += 1j * COMPLEX_STEP
        rows.append(gradient_by_backpropagation(twin, moved, inputs, targets).imag / COMPLEX_STEP)
    return np.array(rows)
