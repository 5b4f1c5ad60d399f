"""The networks of the two lessons, and a larger one, as small experiments for tests."""

from harness.experiment import Experiment

XOR = {"generator": "xor"}
TWO_OUTPUTS = {
    "inputs": [[0.1, -0.7], [0.9, 0.3], [-1.2, 0.4], [0.6, 1.1], [-0.2, -0.5]],
    "targets": [[0.2, 0.9], [0.8, 0.1], [0.4, 0.3], [0.7, 0.6], [0.1, 0.5]],
}

TWO_CLASSES = {
    "inputs": TWO_OUTPUTS["inputs"],
    "targets": [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.3, 0.7], [0.5, 0.5]],
}

TWO_SIGNS = {
    "inputs": TWO_OUTPUTS["inputs"],
    "targets": [[-1, 1], [1, -1], [-1, -1], [1, 1], [-1, 1]],
}


def an_experiment(layers, activations, data, loss="ssr", training=None, grid=None, **network):
    """Return an experiment with nonzero initial biases."""
    return Experiment.from_mapping(
        {
            "name": "traced",
            "network": {"layers": layers, "activations": activations, "loss": loss, **network},
            "data": data,
            "training": {"epochs": 9, "learning_rate": 0.1, **(training or {})},
            "initialisation": {"biases": "same", "seed": 4},
            "grid": grid or {},
            "record": {"parameters": True, "epochs": "none"},
        }
    )


def first_lesson(**training):
    return an_experiment([1, 2, 1], ["softplus", "identity"], {"generator": "dosage"}, **training)


def second_lesson(loss="cross_entropy", **training):
    return an_experiment([2, 2, 1], ["sigmoid", "sigmoid"], XOR, loss, **training)


def three_layers(**training):
    return an_experiment(
        [2, 3, 2, 2],
        ["tanh", "tanh", "tanh"],
        TWO_OUTPUTS,
        "mse",
        biases=[True, False, True],
        scales=[0.7, "1/sqrt(fan_in)", 1.3],
        output_scale=1.5,
        **training,
    )
