"""Suggestions for unknown names."""

import re

import pytest

from harness.experiment.initialisation import SCHEMES
from harness.experiment.schedules import SCHEDULES
from harness.experiment.schema import ExperimentFile, TrainingSection, keys_of
from harness.hints import _CALLED_HERE, _NOT_HERE, key_elsewhere, nearest, suggest
from harness.kernels.activations import ACTIVATIONS
from harness.kernels.losses import LOSSES
from harness.kernels.optimisers import OPTIMISERS

TRAINING = keys_of(TrainingSection)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("learning_rat", "learning_rate"),
        ("Learning_Rate", "learning_rate"),
        ("learning_rate_", "learning_rate"),
        ("laerning_rate", "learning_rate"),
        ("learn_rate", "learning_rate"),
        ("learn", ""),
        ("momentu", "momentum"),
        ("ss", "ssr"),
        ("momentun", "momentum"),
        ("mometnum", "momentum"),
        ("layer_1", ""),  # digits must agree
        ("ssl", ""),
        ("zzz", ""),
        ("", ""),
        ("\udcff", ""),
        ("é" * 10_000, ""),
    ],
)
def test_nearest(name, found):
    expected = f'Did you mean "{found}"?' if found else ""
    known = ["learning_rate", "momentum", "layer_2", "ssr"]
    assert nearest(name, iter(known)) == expected


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [
        ("selu", ACTIVATIONS, "It is not available; the most similar activation is elu."),
        ("swish", ACTIVATIONS, 'It is called "silu" here.'),
        ("LeakyReLU", ACTIVATIONS, 'Did you mean "leaky_relu"?'),
        ("L1Loss", LOSSES, 'It is called "mae" here.'),
        ("SmoothL1", LOSSES, 'It is called "huber" here.'),
        ("negative_slope", ["slope"], 'It is called "slope" here.'),
        ("logistic", ACTIVATIONS, 'It is called "sigmoid" here.'),
        ("linear", ACTIVATIONS, 'It is called "identity" here.'),
        ("Mean-Squared Error", LOSSES, 'It is called "mse" here.'),
        ("binary_crossentropy", LOSSES, 'It is called "cross_entropy" here.'),
        ("categorical_crossentropy", LOSSES, 'It is called "cross_entropy" here.'),
        ("xavier_uniform", SCHEMES, 'It is called "glorot" here.'),
        ("lr", ["learning_rate", "epochs"], 'It is called "learning_rate" here.'),
        ("lr", ["layers", "loss"], ""),
        ("random_state", ["width", "init_seed"], 'It is called "init_seed" here.'),
        ("max_iter", ["epochs"], 'It is called "epochs" here.'),
        ("early_stopping", ["patience"], 'It is called "patience" here.'),
        ("n_iter_no_change", ["patience"], 'It is called "patience" here.'),
        ("Adam", OPTIMISERS, 'Did you mean "adam"?'),
        ("RMSProp", OPTIMISERS, 'Did you mean "rmsprop"?'),
        ("AdamW ", OPTIMISERS, 'Did you mean "adamw"?'),
        ("NAdam", OPTIMISERS, "It is not available; the most similar optimiser is adam."),
        ("gradient_descent", OPTIMISERS, 'It is called "sgd" here.'),
        ("Nesterov momentum", OPTIMISERS, 'It is called "nesterov" here.'),
        ("CosineAnnealingLR", SCHEDULES, 'It is called "cosine" here.'),
        ("OneCycleLR", SCHEDULES, 'It is called "one_cycle" here.'),
        ("none", SCHEDULES, 'It is called "constant" here.'),
        ("nesterov", TRAINING, "It is an optimiser: write training.optimiser"),
        ("lr_scheduler", TRAINING, 'It is called "schedule" here.'),
        ("gamma", TRAINING, 'It is called "schedule_factor" here.'),
        ("weightDecay", TRAINING, 'It is called "weight_decay" here.'),
        ("lambda", TRAINING, 'It is called "l2" here.'),
        ("alpha", TRAINING, "A penalty is called training.l2 here"),
        ("rho", TRAINING, 'It is called "decay" here.'),
        ("eps", TRAINING, 'It is called "epsilon" here.'),
        ("betas", TRAINING, "They are two keys, training.beta1 and training.beta2."),
        ("clipnorm", TRAINING, 'It is called "clip_norm" here.'),
        ("max_norm", TRAINING, 'It is called "clip_norm" here.'),
        ("warmup_steps", TRAINING, 'It is called "warm_up" here.'),
        ("warmup", TRAINING, 'It is called "warm_up" here.'),
        ("T_max", TRAINING, "A schedule ends with training.epochs."),
        ("optimizer", TRAINING, 'It is called "optimiser" here.'),
        ("dropout", TRAINING, "There is no dropout"),
        ("LeakyReLU", ["relu", "leaky_relu"], 'Did you mean "leaky_relu"?'),
        ("optimizer", ["optimiser"], 'It is called "optimiser" here.'),
        ("test_size", ["inputs", "validation"], 'It is called "validation" here.'),
        ("val_split", ["inputs", "validation"], 'It is called "validation" here.'),
        ("KFold", ["validation", "folds"], 'It is called "folds" here.'),
        ("train_size", ["validation"], "Give the share that is held out instead"),
        ("tahn", ACTIVATIONS, 'Did you mean "tanh"?'),
        ("wibble", ACTIVATIONS, ""),
    ],
)
def test_suggest(name, allowed, expected):
    found = suggest(name, allowed)
    assert found.startswith(expected)
    assert bool(found) == bool(expected)


def test_key_of_another_section():
    assert key_elsewhere("lr") == "It is called training.learning_rate here."
    assert key_elsewhere("random_state") == "It is called initialisation.seed here."
    assert key_elsewhere("logistic") == key_elsewhere("wibble") == ""


def test_suggested_names_exist():
    from typer.main import get_command

    from harness.cli.app import app
    from harness.experiment import Experiment
    from harness.experiment.axes import allowed_axes
    from harness.experiment.generators import GENERATORS
    from harness.experiment.parse_grid import _SPEC_KEYS
    from harness.kernels.descent import BATCHES
    from harness.kernels.metrics import METRICS
    from harness.plots import KINDS

    keys = set()
    for name, field in keys_of(ExperimentFile).items():
        inside = keys_of(field.annotation) if hasattr(field.annotation, "model_fields") else ()
        keys |= {name, *(f"{name}.{key}" for key in inside)}
    values = {*ACTIVATIONS, *LOSSES, *SCHEMES, *GENERATORS, *BATCHES, *KINDS, *_SPEC_KEYS}
    values |= {*OPTIMISERS, *SCHEDULES}
    experiment = Experiment.from_mapping(
        {
            "name": "x",
            "network": {"layers": [1, 2, 1], "activations": ["tanh", "identity"]},
            "data": {"generator": "dosage"},
            "training": {"epochs": 1, "learning_rate": 0.1},
        }
    )
    axes = allowed_axes(experiment.network).named
    named = {name for names in _CALLED_HERE.values() for name in names}
    options = {name for param in get_command(app).commands["plot"].params for name in param.opts}
    measures = {f"{data}{name}" for data in ("", "validation_") for name in ("loss", *METRICS)}
    assert named <= keys | values | {*axes} | options | measures | {"all"}
    assert all(word == word.lower() and word.isalnum() for word in (*_CALLED_HERE, *_NOT_HERE))
    said = {name for reason in _NOT_HERE.values() for name in re.findall(r"\w+\.\w+", reason)}
    assert said <= keys
    similar = {name for reason in _NOT_HERE.values() for name in re.findall(r"r (\w+)\.$", reason)}
    assert similar <= values
