"""Generated data against their published definitions, truth tables, moments, and their bits."""

import hashlib
import math

import numpy as np
import pytest

import harness
from harness import plots
from harness.errors import ExperimentError
from harness.experiment import Experiment, source
from harness.experiment.generators import GATES, GENERATORS, TRAINING, VALIDATION
from harness.kernels.descent import COUNTS
from harness.training.trainer import Trainer
from tests.reference import random_numbers
from tests.reference.random_numbers import STREAM_INPUTS, STREAM_TARGETS

PARTS = (TRAINING, VALIDATION)
TWO_CLASSES = ("circle", "clouds", "two_gaussians", "spirals", "moons")
IN_A_PLANE = (*TWO_CLASSES, "plane", "bumps")


def generate(name, inputs=2, outputs=1, part=TRAINING, **keys):
    rule = GENERATORS[name]
    assert set(keys) <= set(rule.keys)
    return rule.make(inputs, outputs, part, **(rule.keys | keys))


def uniform(low, high, seed, stream, part, index):
    return low + (high - low) * random_numbers.uniform01(seed, stream, part, index)


# ------------------------------------------------------------ twins, from the published definitions


def circle(i, part, seed, noise, samples):
    radius = uniform(*((0, 2.5) if i % 2 == 0 else (3.5, 5)), seed, STREAM_INPUTS, part, 2 * i)
    angle = uniform(0, 2 * math.pi, seed, STREAM_INPUTS, part, 2 * i + 1)
    x, y = radius * math.sin(angle), radius * math.cos(angle)
    across, up = (uniform(-5, 5, seed, STREAM_TARGETS, part, 2 * i + k) * noise for k in (0, 1))
    return x, y, float(math.hypot(x + across, y + up) < 2.5)


def clouds(i, part, seed, noise, samples):
    x, y = (uniform(-5, 5, seed, STREAM_INPUTS, part, 2 * i + k) for k in (0, 1))
    x, y = (number + math.copysign(0.3, number) for number in (x, y))
    across, up = (uniform(-5, 5, seed, STREAM_TARGETS, part, 2 * i + k) * noise for k in (0, 1))
    return x, y, float((x + across) * (y + up) >= 0)


def two_gaussians(i, part, seed, noise, samples):
    centre = 2 if i % 2 == 0 else -2
    variance = 0.5 + (4 - 0.5) * noise / 0.5
    numbers = [random_numbers.normal(seed, STREAM_INPUTS, part, 2 * i + k) for k in (0, 1)]
    x, y = (centre + math.sqrt(variance) * number for number in numbers)
    return x, y, float(centre == 2)


def spirals(i, part, seed, noise, samples):
    arm, n = i // 2, samples / 2
    along = arm / n if part == TRAINING else uniform(0, 1, seed, STREAM_INPUTS, part, i)
    angle = 1.75 * along * 2 * math.pi + (0 if i % 2 == 0 else math.pi)
    across, up = (uniform(-1, 1, seed, STREAM_TARGETS, part, 2 * i + k) * noise for k in (0, 1))
    x, y = 5 * along * math.sin(angle) + across, 5 * along * math.cos(angle) + up
    return x, y, float(i % 2 == 0)


def moons(i, part, seed, noise, samples):
    upper, lower = samples // 2, samples - samples // 2
    angles = np.linspace(0, np.pi, lower if i % 2 == 0 else upper)
    drawn = uniform(0, np.pi, seed, STREAM_INPUTS, part, i)
    angle = angles[i // 2] if part == TRAINING else drawn
    x, y = math.cos(angle), math.sin(angle)
    if i % 2 == 0:
        x, y = 1 - x, 1 - y - 0.5
    across, up = (random_numbers.normal(seed, STREAM_TARGETS, part, 2 * i + k) for k in (0, 1))
    return x + noise * across, y + noise * up, float(i % 2 == 0)


def plane(i, part, seed, noise, samples):
    x, y = (uniform(-6, 6, seed, STREAM_INPUTS, part, 2 * i + k) for k in (0, 1))
    across, up = (uniform(-6, 6, seed, STREAM_TARGETS, part, 2 * i + k) * noise for k in (0, 1))
    return x, y, np.interp(x + across + y + up, [-30, 30], [-3, 3])


def bumps(i, part, seed, noise, samples):
    x, y = (uniform(-6, 6, seed, STREAM_INPUTS, part, 2 * i + k) for k in (0, 1))
    across, up = (uniform(-6, 6, seed, STREAM_TARGETS, part, 2 * i + k) * noise for k in (0, 1))
    signs = {(-4, 2.5): 1, (0, 2.5): -1, (4, 2.5): 1, (-4, -2.5): -1, (0, -2.5): 1, (4, -2.5): -1}
    heights = [
        sign * np.interp(math.dist((x + across, y + up), centre), [0, 2], [1, 0])
        for centre, sign in signs.items()
    ]
    return x, y, max(heights, key=abs)


TWINS = (circle, clouds, two_gaussians, spirals, moons, plane, bumps)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("noise", "seed"), [(0.0, 0), (0.3, 7)])
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_points_are_those_of_the_published_definition(twin, noise, seed, part):
    for samples in (1, 2, 61):
        found = generate(twin.__name__, part=part, samples=samples, noise=noise, seed=seed)
        expected = [twin(i, part, seed, noise, samples) for i in range(samples)]
        points = np.concatenate((found.inputs, found.targets), axis=1)
        np.testing.assert_allclose(points, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("inputs", "classes"), [(2, 3), (1, 1), (5, 7)])
def test_blobs(inputs, classes, part):
    found = generate("blobs", inputs, part=part, samples=23, classes=classes, noise=0.5, seed=9)
    assert found.targets.tolist() == [np.eye(classes)[i % classes].tolist() for i in range(23)]
    for i, point in enumerate(found.inputs.tolist()):
        for j, number in enumerate(point):
            # The centres are the same for both parts.
            at = i % classes * inputs + j
            centre = uniform(-10, 10, 9, STREAM_TARGETS, TRAINING, at)
            shift = random_numbers.normal(9, STREAM_INPUTS, part, i * inputs + j)
            assert number == pytest.approx(centre + 0.5 * shift, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
@pytest.mark.parametrize(("inputs", "outputs", "samples"), [(1, 1, 5), (3, 2, 4), (2, 5, 1)])
def test_gaussian_against_numpy_and_statistics(seed, inputs, outputs, samples):
    for part in PARTS:
        found = generate("gaussian", inputs, outputs, part, samples=samples, seed=seed)
        for numbers, stream, columns in (
            (found.inputs, STREAM_INPUTS, inputs),
            (found.targets, STREAM_TARGETS, outputs),
        ):
            expected = [
                [random_numbers.normal(seed, stream, part, i * columns + j) for j in range(columns)]
                for i in range(samples)
            ]
            np.testing.assert_allclose(numbers, expected, rtol=1e-14, atol=0)


# ------------------------------------------------------------------------------ functions of one x


def step(x):
    return np.heaviside(x, 1.0)


CURVES = [
    ("sine", {}, lambda x: np.sin(np.pi * x)),
    ("sine", {"turns": 3.5}, lambda x: np.sin(3.5 * np.pi * x)),
    ("step", {}, step),
    *(
        ("chebyshev", {"degree": n}, np.polynomial.chebyshev.Chebyshev.basis(n))
        for n in (0, 1, 2, 3, 4, 10)
    ),
]


@pytest.mark.parametrize(("name", "keys", "function"), CURVES)
@pytest.mark.parametrize("samples", [2, 3, 20])
def test_curves(name, keys, function, samples):
    found = generate(name, 1, samples=samples, **keys)
    x = found.inputs.ravel()
    np.testing.assert_allclose(x, np.linspace(-1, 1, samples), rtol=0, atol=1e-15)
    assert (x[0], x[-1]) == (-1.0, 1.0)
    np.testing.assert_allclose(found.targets.ravel(), function(x), rtol=0, atol=1e-13)

    other = generate(name, 1, part=VALIDATION, samples=samples, seed=4, **keys)
    x = other.inputs.ravel()
    drawn = [uniform(-1, 1, 4, STREAM_INPUTS, VALIDATION, i) for i in range(samples)]
    np.testing.assert_allclose(x, drawn, rtol=0, atol=1e-15)
    np.testing.assert_allclose(other.targets.ravel(), function(x), rtol=0, atol=1e-13)

    noisy = generate(name, 1, samples=samples, noise=0.25, seed=4, **keys)
    errors = [random_numbers.normal(4, STREAM_TARGETS, TRAINING, i) for i in range(samples)]
    assert np.array_equal(noisy.inputs, found.inputs)
    np.testing.assert_allclose(
        noisy.targets.ravel(), found.targets.ravel() + 0.25 * np.array(errors), rtol=0, atol=1e-13
    )


def test_chebyshev_ends_at_one_exactly():
    assert generate("chebyshev", 1, samples=7, degree=1000).targets[-1, 0] == 1.0


# ------------------------------------------------------------------------------------------- tables


def test_dosage_and_xor():
    dosage = generate("dosage")
    assert dosage.inputs.tolist() == [[0.0], [0.5], [1.0]]
    assert dosage.targets.tolist() == [[0.0], [1.0], [0.0]]
    xor = generate("xor", inputs=2)
    for (left, right), (target,) in zip(xor.inputs, xor.targets, strict=True):
        assert target == float(int(left) ^ int(right))
    assert len({tuple(row) for row in xor.inputs.tolist()}) == 4


RULES = {
    "false": lambda a, b: False,
    "nor": lambda a, b: not (a or b),
    "b_and_not_a": lambda a, b: b and not a,
    "not_a": lambda a, b: not a,
    "a_and_not_b": lambda a, b: a and not b,
    "not_b": lambda a, b: not b,
    "xor": lambda a, b: a != b,
    "nand": lambda a, b: not (a and b),
    "and": lambda a, b: a and b,
    "xnor": lambda a, b: a == b,
    "b": lambda a, b: b,
    "a_implies_b": lambda a, b: b if a else True,
    "a": lambda a, b: a,
    "b_implies_a": lambda a, b: a if b else True,
    "or": lambda a, b: a or b,
    "true": lambda a, b: True,
}


@pytest.mark.parametrize(("number", "name"), list(enumerate(RULES)))
def test_gates(number, name):
    assert GATES[number] == name
    table = {(a, b): float(RULES[name](bool(a), bool(b))) for a in (0, 1) for b in (0, 1)}
    assert number == sum(int(target) << (2 * a + b) for (a, b), target in table.items())
    for gate in (number, name):
        found = generate("gates", gate=gate)
        assert found.inputs.tolist() == [list(row) for row in table]
        assert found.targets.ravel().tolist() == list(table.values())


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_parity(bits):
    found = generate("parity", bits, bits=bits)
    rows = [f"{number:0{bits}b}" for number in range(2**bits)]
    assert found.inputs.tolist() == [[float(bit) for bit in row] for row in rows]
    assert found.targets.ravel().tolist() == [row.count("1") % 2 for row in rows]


def test_encoder():
    found = generate("encoder", 4, 4, patterns=4)
    assert found.inputs.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert np.array_equal(found.targets, found.inputs)


# -------------------------------------------------------------------------------- classes and parts


@pytest.mark.parametrize("name", [*TWO_CLASSES, "blobs", "gates", "parity"])
def test_labels_replace_0_and_1(name):
    found, other = generate(name), generate(name, labels=(-1.0, 0.5))
    assert np.array_equal(found.inputs, other.inputs)
    assert set(np.unique(found.targets)) == {0.0, 1.0}
    assert np.array_equal(other.targets, np.where(found.targets == 1.0, 0.5, -1.0))


@pytest.mark.parametrize("name", TWO_CLASSES)
def test_classes_are_of_equal_size_and_mixed(name):
    targets = generate(name, samples=400).targets.ravel()
    if name == "clouds":  # its class follows from the drawn point
        assert 160 < targets.sum() < 240
    else:
        assert targets.tolist() == [1.0, 0.0] * 200


@pytest.mark.parametrize("name", [name for name, g in GENERATORS.items() if "samples" in g.keys])
def test_parts_and_seeds_have_other_points(name):
    # Without noise, both spirals begin in the same point.
    noise = {"noise": 0.1} if name == "spirals" else {}
    found = [
        generate(name, 2, 1, part, samples=50, seed=seed, **noise)
        for part in PARTS
        for seed in (0, 1)
    ]
    rows = [set(map(tuple, data.inputs.tolist())) for data in found]
    assert all(len(points) == 50 for points in rows)
    assert not (rows[0] | rows[1]) & (rows[2] | rows[3])
    assert not rows[2] & rows[3]


def test_more_samples_keep_the_drawn_points():
    for name in ("circle", "clouds", "two_gaussians", "blobs", "plane", "bumps", "gaussian"):
        few, many = generate(name, samples=10), generate(name, samples=25)
        assert np.array_equal(many.inputs[:10], few.inputs), name
        assert np.array_equal(many.targets[:10], few.targets), name


@pytest.mark.parametrize("part", PARTS)
def test_moments(part):
    """Means and variances of many points are within four standard errors."""

    def check(numbers, mean, variance, kurtosis=3.0):
        n = numbers.size
        assert abs(numbers.mean() - mean) < 4 * math.sqrt(variance / n)
        assert abs(numbers.var() - variance) < 4 * variance * math.sqrt((kurtosis - 1) / n)

    flat = 1.8  # kurtosis of a uniform distribution
    keys = {"part": part, "samples": 40_000, "seed": 5}
    data = generate("circle", **keys)
    radius, inside = np.hypot(*data.inputs.T), data.targets[:, 0] == 1
    check(radius[inside], 1.25, 2.5**2 / 12, flat)
    check(radius[~inside], 4.25, 1.5**2 / 12, flat)
    check(np.arctan2(*data.inputs.T), 0.0, math.pi**2 / 3, flat)

    check(np.abs(generate("clouds", **keys).inputs).ravel(), 2.8, 25 / 12, flat)

    for noise, variance in ((0.0, 0.5), (0.5, 4.0)):
        data = generate("two_gaussians", noise=noise, **keys)
        check(data.inputs[::2].ravel(), 2.0, variance)
        check(data.inputs[1::2].ravel(), -2.0, variance)

    exact = generate("spirals", part=part, samples=40_000, seed=5)
    noisy = generate("spirals", noise=0.2, **keys)
    check((noisy.inputs - exact.inputs).ravel(), 0.0, 0.2**2 / 3, flat)
    exact, noisy = generate("moons", **keys), generate("moons", noise=0.2, **keys)
    check((noisy.inputs - exact.inputs).ravel(), 0.0, 0.04)

    data = generate("blobs", noise=2.0, classes=2, **keys)
    for number in (0, 1):
        points = data.inputs[data.targets[:, number] == 1]
        for k in (0, 1):
            centre = uniform(-10, 10, 5, STREAM_TARGETS, TRAINING, 2 * number + k)
            check(points[:, k], centre, 4.0)

    data = generate("plane", noise=0.5, **keys)
    check(data.inputs.ravel(), 0.0, 12.0, flat)
    errors = 10 * data.targets[:, 0] - data.inputs.sum(axis=1)
    check(errors, 0.0, 2 * 36 * 0.25 / 3, 2.4)  # kurtosis of a sum of two uniform numbers
    # A cone of height 1 and radius 2 has volume 4 pi / 3; three are up and three down.
    check(np.abs(generate("bumps", **keys).targets), 8 * math.pi / 144, 0.0568, 3.6)


# ---------------------------------------------------------------------------------------- same bits


@pytest.mark.jitless
def test_bits_are_the_same_everywhere():
    digest = hashlib.sha256()
    for name, rule in GENERATORS.items():
        keys = {"noise": 0.3, "samples": 7, "seed": 11}
        keys = {key: value for key, value in keys.items() if key in rule.keys}
        for part in PARTS:
            found = generate(name, 3 if name in ("blobs", "gaussian") else 2, 2, part, **keys)
            for numbers in (found.inputs, found.targets):
                digest.update(name.encode() + repr(numbers.shape).encode())
                digest.update(numbers.astype("<f8").tobytes())
    assert digest.hexdigest() == (
        "c5a6cb581bdc304649c76655fdb8cae4e241aa563bcdeea00f3ffffe84296ba0"
    )


@pytest.mark.parametrize("name", [name for name, g in GENERATORS.items() if "noise" in g.keys])
def test_the_largest_noise_is_finite(name):
    found = generate(name, noise=1e6)
    assert np.isfinite(found.inputs).all()
    assert np.isfinite(found.targets).all()


# -------------------------------------------------------------------------------------- experiments


def experiment(grid=(), layers=(2, 3, 1), **data):
    return Experiment.from_mapping(
        {
            "name": "x",
            "network": {"layers": list(layers), "activations": ["tanh"] * (len(layers) - 1)},
            "data": {"generator": "circle", "samples": 9} | data,
            "training": {"epochs": 5, "learning_rate": 0.01},
            "grid": dict(grid),
            "record": {"epochs": "all", "parameters": True},
        }
    )


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_makes_data_for_an_experiment(name):
    made = generate(name)
    sizes = made.inputs.shape[1], 3, made.targets.shape[1]
    document = {"samples": 9} if "samples" in GENERATORS[name].keys else {"samples": None}
    found = experiment(layers=sizes, generator=name, **document)
    assert found.data.inputs.shape[1] == sizes[0]
    again = Experiment.from_mapping(found.document())
    assert again.identity == found.identity


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"noise": -0.1}, "data.noise"),
        ({"noise": float("nan")}, "data.noise"),
        ({"noise": 1e300}, "data.noise"),
        ({"degree": 2}, "data.degree"),
        ({"labels": [1]}, "data.labels"),
        ({"labels": [0, float("inf")]}, "data.labels[1]"),
        ({"generator": "gates", "samples": None, "gate": "nond"}, "data.gate"),
        ({"generator": "gates", "samples": None, "gate": 16}, "data.gate"),
        ({"generator": "gates", "samples": None, "gate": True}, "data.gate"),
        ({"generator": "parity", "samples": None, "bits": 17}, "data.bits"),
        ({"generator": "parity", "samples": None}, "data.generator"),
        ({"generator": "encoder"}, "data.samples"),
        ({"generator": "spirals", "turns": -1}, "data.turns"),
    ],
)
def test_values_that_are_not_allowed(data, key):
    with pytest.raises(ExperimentError) as caught:
        experiment(**data)
    assert caught.value.key == key
    assert caught.value.advice


def test_runs_of_an_axis_train_on_data_of_their_own():
    grid = {"noise": [0.0, 0.4], "samples": [4, 9], "data_seed": [0, 3], "init_id": 2}
    sweep = experiment(grid)
    stop, counts = np.zeros(1, np.uint8), np.zeros(COUNTS, np.int64)
    found = Trainer(sweep).train(0, sweep.grid.size, stop, counts).runs
    for run_id in range(sweep.grid.size):
        point = sweep.grid.point(run_id)
        single = sweep.single(run_id)
        made = generate(
            "circle", noise=point["noise"], samples=point["samples"], seed=point["data_seed"]
        )
        assert np.array_equal(single.data.inputs, made.inputs)
        assert np.array_equal(single.data.targets, made.targets)
        inline = Experiment.from_mapping(
            {
                **single.document(),
                "data": {"inputs": made.inputs.tolist(), "targets": made.targets.tolist()},
            }
        )
        (alone,) = Trainer(inline).train(0, 1, stop, counts).runs["ssr_final"]
        assert found["ssr_final"][run_id] == alone
    assert len(np.unique(found["ssr_final"])) == sweep.grid.size


def test_an_axis_of_gates():
    sweep = experiment({"gate": ["xor", "nand"]}, generator="gates", samples=None)
    assert sweep.single(0).data.targets.ravel().tolist() == [0, 1, 1, 0]
    assert sweep.single(1).data.targets.ravel().tolist() == [1, 1, 1, 0]


def test_results_of_a_sweep_over_noise(tmp_path):
    harness.run(experiment({"noise": [0.0, 0.5]}), tmp_path / "out")
    harness.run(experiment({"noise": [0.0, 0.5, 0.9]}), tmp_path / "out")
    results = harness.open_results(tmp_path / "out")
    assert results.runs["noise"].tolist() == [0.0, 0.5, 0.9]
    expected = generate("circle", samples=9, noise=0.9)
    assert np.array_equal(results.experiment.single(2).data.targets, expected.targets)
    dots = plots.draw(results, "fit", run=2).axes[0].collections[-1]
    assert np.array_equal(dots.get_array(), expected.targets.ravel())
    assert np.array_equal(dots.get_offsets(), expected.inputs)


def test_identity_of_data_that_an_axis_changes():
    noisy = {"noise": [0.0, 0.5]}
    found = experiment(noisy)
    for data in ({"seed": 3}, {"generator": "clouds"}, {"samples": 8}, {"standardise": ["inputs"]}):
        assert experiment(noisy, **data).identity != found.identity
        assert experiment(noisy, **data).lineage != found.lineage
    assert experiment(noisy, noise=0.7).identity == found.identity
    assert experiment({"noise": [0.0]}).lineage == found.lineage
    assert experiment({}).lineage != found.lineage
    # Without noise the moons of the file are the same for every seed, but not those of the axis.
    still = experiment(noisy, generator="moons"), experiment(noisy, generator="moons", seed=1)
    assert np.array_equal(still[0].data.inputs, still[1].data.inputs)
    assert still[0].identity != still[1].identity


def test_an_axis_needs_a_generator_that_takes_its_key():
    for data in (
        {"generator": "xor", "samples": None},
        {"generator": None, "samples": None, "inputs": [[0, 1]], "targets": [1]},
    ):
        with pytest.raises(ExperimentError, match=r"noise = 0\.5 .*only for.* at grid\.noise"):
            experiment({"noise": [0.5]}, **data)


@pytest.mark.parametrize("base", [{}, {"samples": 10**6}])
def test_the_data_of_all_points_are_limited_before_they_are_generated(base, monkeypatch):
    grid = {"samples": [5, 4], "noise": [0.1, 0.2, 0.3], "width": [2, 3]}
    monkeypatch.setattr(source, "MOST_GENERATED", 3 * 5 * 12)
    # As in a results folder, whose data points need not fit its document.
    data = Experiment.from_mapping(experiment().document()).data
    Experiment.from_mapping(experiment(**base).document() | {"grid": grid}, data=data)
    monkeypatch.setattr(source, "MOST_GENERATED", 3 * 5 * 12 - 1)
    with pytest.raises(ExperimentError, match=r"12 data sets of up to 5 data points are") as caught:
        experiment(grid, **base)
    assert caught.value.key == "grid"
    del grid["samples"], grid["noise"]
    experiment(grid, **base)


def test_data_of_many_classes_are_refused_before_they_are_generated():
    with pytest.raises(ExperimentError) as caught:
        experiment(generator="blobs", samples=10**6, classes=100)
    assert caught.value.key == "data.samples"
