"""Optimisers and schedules, compared with those of PyTorch.

`make test-peers` installs it and runs these tests.
"""

import numpy as np
import pytest

from harness.experiment.schedules import schedule_factors
from tests.side_by_side import a_problem, a_twin, kernel_train, plan_of, start_runs

torch = pytest.importorskip("torch", reason="needs PyTorch, which `make test-peers` installs")

STEPS = 200

# Keywords of harness, and the optimiser of PyTorch.
OPTIMISERS = {
    "sgd": (
        {"optimiser": "sgd", "momentum": 0.9},
        lambda theta: torch.optim.SGD(theta, lr=0.01, momentum=0.9),
    ),
    "sgd_with_l2": (
        {"optimiser": "sgd", "l2": 0.02},
        lambda theta: torch.optim.SGD(theta, lr=0.01, weight_decay=0.02),
    ),
    "nesterov": (
        {"optimiser": "nesterov"},
        lambda theta: torch.optim.SGD(theta, lr=0.01, momentum=0.9, nesterov=True),
    ),
    "adagrad": (
        {"optimiser": "adagrad"},
        lambda theta: torch.optim.Adagrad(theta, lr=0.01),
    ),
    "rmsprop": (
        {"optimiser": "rmsprop"},
        lambda theta: torch.optim.RMSprop(theta, lr=0.01),
    ),
    # A small epsilon would make the steps near the minimum chaotic: rounding errors would grow.
    "rmsprop_with_momentum": (
        {"optimiser": "rmsprop", "decay": 0.9, "epsilon": 0.1, "momentum": 0.5},
        lambda theta: torch.optim.RMSprop(theta, lr=0.01, alpha=0.9, eps=0.1, momentum=0.5),
    ),
    "adam": (
        {"optimiser": "adam"},
        lambda theta: torch.optim.Adam(theta, lr=0.01),
    ),
    "adam_with_l2": (
        {"optimiser": "adam", "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-3, "l2": 0.02},
        lambda theta: torch.optim.Adam(
            theta, lr=0.01, betas=(0.7, 0.95), eps=1e-3, weight_decay=0.02
        ),
    ),
    "adamw": (
        {"optimiser": "adamw", "weight_decay": 0.01},
        lambda theta: torch.optim.AdamW(theta, lr=0.01),
    ),
    "rprop": (
        {"optimiser": "rprop"},
        lambda theta: torch.optim.Rprop(theta, lr=0.01),
    ),
    "rprop_with_bounds": (
        {"optimiser": "rprop", "eta_minus": 0.4, "eta_plus": 1.5, "step_min": 0.001,
         "step_max": 0.1},
        lambda theta: torch.optim.Rprop(theta, lr=0.01, etas=(0.4, 1.5), step_sizes=(0.001, 0.1)),
    ),
}  # fmt: skip

TWINS = {
    "1-2-1": a_twin((1, 2, 1), "softplus"),
    "2-3-3-1": a_twin((2, 3, 3, 1), "tanh", "mse"),
}


def loss_of(twin, theta, inputs, targets):
    """Return the loss of a twin's network, computed by PyTorch."""
    functions = {
        "softplus": torch.nn.functional.softplus,
        "tanh": torch.tanh,
        "identity": lambda z: z,
    }
    a, start = inputs, 0
    for (rows, columns), n_in, f in zip(twin.shapes, twin.sizes, twin.activations, strict=False):
        matrix = theta[start : start + rows * columns].view(rows, columns)
        a = functions[f](a @ matrix[:n_in] + matrix[n_in])
        start += rows * columns
    squares = (targets - a) ** 2
    return squares.sum() if twin.loss == "ssr" else squares.mean()


def train(twin, problem, make_optimiser, clip_norm=None, make_scheduler=None):
    """Train by PyTorch; return the parameters and the loss of each epoch."""
    theta, inputs, targets = (torch.tensor(values, dtype=torch.float64) for values in problem)
    theta.requires_grad_()
    optimiser = make_optimiser([theta])
    scheduler = make_scheduler(optimiser) if make_scheduler else None
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = loss_of(twin, theta, inputs, targets)
        losses.append(loss.item())
        loss.backward()
        if clip_norm is not None:  # `clip_grad_norm_` adds 1e-6 to the norm
            norm = theta.grad.norm()
            theta.grad *= min(1.0, clip_norm / norm)
        optimiser.step()
        if scheduler:
            scheduler.step()
    losses.append(loss_of(twin, theta, inputs, targets).item())
    return theta.detach().numpy(), losses


def train_here(twin, problem, optimiser, factors=None, **settings):
    """Train by the kernel; return the parameters and the loss of each epoch."""
    theta, inputs, targets = problem
    plan = plan_of(twin, len(inputs), STEPS, optimiser=optimiser, factors=factors)
    runs = start_runs(twin, theta, 0.01, optimiser=optimiser, **settings)
    rows, _ = kernel_train(twin, inputs, targets, plan, runs)
    return runs.theta[0], rows.loss_trajectory[0]


def assert_same(ours, theirs):
    """Compare parameters and losses to 12 digits."""
    for found, expected in zip(ours, theirs, strict=True):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
@pytest.mark.parametrize(("settings", "make"), OPTIMISERS.values(), ids=OPTIMISERS)
def test_optimisers(twin, settings, make):
    problem = a_problem(twin)
    assert_same(train_here(twin, problem, **settings), train(twin, problem, make))


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_clipping(twin):
    problem = a_problem(twin)
    settings, make = OPTIMISERS["sgd"]
    ours = train_here(twin, problem, **settings, clip_norm=0.5)
    assert_same(ours, train(twin, problem, make, clip_norm=0.5))
    free = train_here(twin, problem, **settings)[1]
    assert abs(ours[1][1] / free[1] - 1.0) > 1e-3  # the first gradient is longer


SCHEDULES = {
    "step": (
        {"schedule_every": 30, "schedule_factor": 0.3},
        lambda optimiser: torch.optim.lr_scheduler.StepLR(optimiser, 30, gamma=0.3),
    ),
    "exponential": (
        {"schedule_factor": 0.99},
        lambda optimiser: torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.99),
    ),
    "linear": (
        {"schedule_final": 0.1},
        lambda optimiser: torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.1, STEPS),
    ),
    "cosine": (
        {"schedule_final": 0.1},
        lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, 0.1),
    ),
    "one_cycle": (
        {"schedule_initial": 0.04, "schedule_rise": 0.3, "schedule_final": 4e-6},
        lambda optimiser: torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.0, STEPS),
    ),
}


def factors_by_torch(make_scheduler):
    """Return the learning rates of all epochs, with a rate of 1.

    Where a scheduler has a closed form, it is used: the recursion accumulates rounding errors.
    """
    parameter = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([parameter], lr=1.0, momentum=0.0)
    scheduler = make_scheduler(optimiser)
    found = []
    for _ in range(STEPS):
        closed = getattr(scheduler, "_get_closed_form_lr", scheduler.get_last_lr)
        found.append(closed()[0])
        optimiser.step()
        scheduler.step()
    return np.array(found)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    settings, make_scheduler = SCHEDULES[name]
    found = schedule_factors(name, settings, STEPS, 0)
    assert found == pytest.approx(factors_by_torch(make_scheduler), rel=1e-15, abs=1e-15)


@pytest.mark.parametrize("optimiser", ["nesterov", "adamw"])
@pytest.mark.parametrize("name", ["step", "exponential"])
def test_training_with_a_schedule(optimiser, name):
    twin = TWINS["2-3-3-1"]
    problem = a_problem(twin)
    settings, make = OPTIMISERS[optimiser]
    of_schedule, make_scheduler = SCHEDULES[name]
    factors = schedule_factors(name, of_schedule, STEPS, 0)
    ours = train_here(twin, problem, factors=factors, **settings)
    assert_same(ours, train(twin, problem, make, make_scheduler=make_scheduler))
