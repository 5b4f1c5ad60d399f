"""Print the coefficients of the polynomials in `harness/kernels/formats.py`.

Each polynomial minimises, for its degree, the largest relative error of the function that uses it
(Remez, 1934). `python -m tools.minimax` takes seconds and needs only mpmath. docs/decisions/0001
refers to it.
"""

import struct
from collections.abc import Callable

from mpmath import mp, mpf

Function = Callable[[mpf], mpf]

mp.prec = 200
POINTS = 1000  # at which errors are evaluated


def value(p: list[mpf], x: mpf) -> mpf:
    """Return p[0] + p[1] x + ..."""
    return sum(c * x**n for n, c in enumerate(p))


def remez(f: Function, weight: Function, low: mpf, high: mpf, degree: int) -> list[float]:
    """Return the p, constant first, that minimises the largest |weight(x) (f(x) - p(x))|.

    The maximum is minimal if the error attains it degree + 2 times with alternating signs. Each
    round solves for a p whose errors have the same size at degree + 2 points, and then moves each
    point to the largest error of that p between two zeros.
    """
    grid = [
        low + (high - low) * (1 - mp.cos(mp.pi * (i + 0.5) / POINTS)) / 2 for i in range(POINTS)
    ]
    fs, weights = [f(x) for x in grid], [weight(x) for x in grid]
    chosen = [round((i + 0.5) * POINTS / (degree + 2)) for i in range(degree + 2)]
    while True:
        rows = [
            [grid[i] ** n for n in range(degree + 1)] + [(-1) ** j / weights[i]]
            for j, i in enumerate(chosen)
        ]
        *p, size = mp.lu_solve(mp.matrix(rows), mp.matrix([fs[i] for i in chosen]))
        errors = [w * (y - value(p, x)) for w, y, x in zip(weights, fs, grid, strict=True)]
        chosen = [0]
        for i, error in enumerate(errors):
            if error * errors[chosen[-1]] < 0:
                chosen.append(i)
            elif abs(error) > abs(errors[chosen[-1]]):
                chosen[-1] = i
        if max(map(abs, errors)) < 1.0001 * abs(size):
            return p


def rounded(x: mpf, kind: str) -> float:
    """Return x as a double ("d") or a single ("f")."""
    number: float = struct.unpack(kind, struct.pack(kind, float(x)))[0]
    return number


def show(
    name: str, f: Function, weight: Function, low: mpf, high: mpf, degrees: dict[str, int]
) -> None:
    """Print the coefficients, rounded to doubles or singles, and the largest error."""
    for kind, degree in degrees.items():
        p = [rounded(c, kind) for c in remez(f, weight, low, high, degree)]
        points = [low + (high - low) * (i + mpf(0.5)) / POINTS for i in range(POINTS)]
        worst = max(abs(weight(x) * (f(x) - value(p, x))) for x in points)
        print(f"{name} = (  # {kind}: largest relative error 2^{float(mp.log(worst, 2)):.1f}")
        for c in p:
            print(f"    {c!r},")
        print(")")


def log_of(y: mpf) -> mpf:
    """Return L = ln(1 + e), where y = e^2 / (1 + e) = 2 cosh(L) - 2."""
    return mp.acosh(1 + y / 2)


def main() -> None:
    """Print the coefficients of all polynomials."""
    ln2 = mp.log(2)
    # e^r = 1 + r + r^2 p(r)
    show(
        "EXP",
        lambda r: (mp.exp(r) - 1 - r) / r**2,
        lambda r: r**2 / mp.exp(r),
        -ln2 / 2,
        ln2 / 2,
        degrees={"d": 9, "f": 4},
    )
    # L = sinh(L) (1 + 2 y p(y)), for 0 <= e <= 1
    show(
        "LOG1P",
        lambda y: (log_of(y) / mp.sinh(log_of(y)) - 1) / (2 * y),
        lambda y: 2 * y * mp.sinh(log_of(y)) / log_of(y),
        mpf(0),
        mpf(0.5),
        degrees={"d": 9, "f": 4},
    )
    # tanh(r) = r + r^3 p(r^2)
    show(
        "TANH",
        lambda r2: (mp.tanh(mp.sqrt(r2)) / mp.sqrt(r2) - 1) / r2,
        lambda r2: r2 * mp.sqrt(r2) / mp.tanh(mp.sqrt(r2)),
        mpf(0),
        (3 * ln2 / 8) ** 2,
        degrees={"d": 6, "f": 2},
    )
    # sin(r) = r + r^3 p(r^2)
    show(
        "SIN",
        lambda r2: (mp.sin(mp.sqrt(r2)) / mp.sqrt(r2) - 1) / r2,
        lambda r2: r2 * mp.sqrt(r2) / mp.sin(mp.sqrt(r2)),
        mpf(0),
        (mp.pi / 4) ** 2,
        degrees={"d": 5, "f": 2},
    )
    # cos(r) = 1 + r^2 p(r^2)
    show(
        "COS",
        lambda r2: (mp.cos(mp.sqrt(r2)) - 1) / r2,
        lambda r2: r2 / mp.cos(mp.sqrt(r2)),
        mpf(0),
        (mp.pi / 4) ** 2,
        degrees={"d": 6, "f": 3},
    )


if __name__ == "__main__":
    main()
