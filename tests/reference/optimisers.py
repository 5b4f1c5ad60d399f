"""The update of each optimiser, and the factors of each schedule, as their sources write them.

PyTorch's documentation of `torch.optim` has all of them but the heavy ball. `harness` may not be
imported here.

A step takes theta, the gradient, the learning rate (each of shape (P,)), the state, a dictionary
that is empty before the first update, and the settings. It returns theta and replaces the state.
"""

from __future__ import annotations

import math

import numpy as np


def sgd(theta, gradient, rate, state, momentum=0.0, drift=0.0):
    """Heavy ball (Polyak 1964); `drift` is a constant that every update adds."""
    state["velocity"] = momentum * state.get("velocity", 0.0) - rate * gradient
    return theta + state["velocity"] + drift


def nesterov(theta, gradient, rate, state, momentum=0.9):
    """`torch.optim.SGD(nesterov=True)`; Sutskever et al. 2013, equations 3 and 4."""
    state["velocity"] = momentum * state.get("velocity", 0.0) + gradient
    return theta - rate * (gradient + momentum * state["velocity"])


def adagrad(theta, gradient, rate, state, epsilon=1e-10):
    """`torch.optim.Adagrad`; Duchi, Hazan and Singer 2011."""
    state["squares"] = state.get("squares", 0.0) + gradient**2
    return theta - rate * gradient / (np.sqrt(state["squares"]) + epsilon)


def rmsprop(theta, gradient, rate, state, decay=0.99, epsilon=1e-8, momentum=0.0):
    """`torch.optim.RMSprop`; Tieleman and Hinton 2012."""
    state["squares"] = decay * state.get("squares", 0.0) + (1.0 - decay) * gradient**2
    scaled = gradient / (np.sqrt(state["squares"]) + epsilon)
    state["velocity"] = momentum * state.get("velocity", 0.0) + scaled
    return theta - rate * state["velocity"]


def adam(theta, gradient, rate, state, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma and Ba 2015, algorithm 1."""
    t = state["t"] = state.get("t", 0) + 1
    state["mean"] = beta1 * state.get("mean", 0.0) + (1.0 - beta1) * gradient
    state["squares"] = beta2 * state.get("squares", 0.0) + (1.0 - beta2) * gradient**2
    mean = state["mean"] / (1.0 - beta1**t)
    squares = state["squares"] / (1.0 - beta2**t)
    return theta - rate * mean / (np.sqrt(squares) + epsilon)


def rprop(theta, gradient, rate, state, eta_minus=0.5, eta_plus=1.2, step_min=1e-6, step_max=50.0):
    """`torch.optim.Rprop`; Riedmiller and Braun 1993, without weight backtracking."""
    before = state.get("before", np.zeros_like(theta))
    size = np.array(state.get("size", rate), dtype=float)
    kept = np.array(gradient, dtype=float)
    for i in range(len(theta)):
        agreement = np.sign(gradient[i]) * np.sign(before[i])
        if agreement > 0:
            size[i] *= eta_plus
        elif agreement < 0:
            size[i] *= eta_minus
            kept[i] = 0.0
        size[i] = min(max(size[i], step_min), step_max)
    state["before"], state["size"] = kept, size
    return theta - np.sign(kept) * size


OPTIMISERS = {
    "sgd": sgd,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,  # Loshchilov and Hutter 2019: with weight decay, which `training` does
    "rprop": rprop,
}


def _between(first, last, progress):
    """Return the value on half a period of the cosine from `first` to `last`."""
    return last + (first - last) * (1.0 + math.cos(math.pi * progress)) / 2.0


def factors(schedule, epochs, warm_up=0, **settings):
    """Return the factors on the learning rate, one per epoch.

    `settings` have the names of the experiment file without "schedule_".
    """
    rising = [(epoch + 1) / warm_up for epoch in range(min(warm_up, epochs))]
    rule, rest = SCHEDULES[schedule], epochs - len(rising)
    return rising + [rule(epoch, rest, **settings) for epoch in range(rest)]


def _one_cycle(epoch, epochs, initial=0.04, rise=0.3, final=4e-6):
    """`torch.optim.lr_scheduler.OneCycleLR`; where it divides by 0, the peak is the first epoch."""
    peak, last = rise * epochs - 1.0, epochs - 1.0
    if epoch <= peak:
        return _between(initial, 1.0, epoch / peak) if peak > 0.0 else 1.0
    return _between(1.0, final, (epoch - peak) / (last - peak))


SCHEDULES = {
    "constant": lambda epoch, epochs: 1.0,
    "step": lambda epoch, epochs, every=100, factor=0.1: factor ** (epoch // every),
    "exponential": lambda epoch, epochs, factor=0.99: factor**epoch,
    "linear": lambda epoch, epochs, final=0.0: 1.0 + (final - 1.0) * epoch / epochs,
    "cosine": lambda epoch, epochs, final=0.0: _between(1.0, final, epoch / epochs),
    "one_cycle": _one_cycle,
}
