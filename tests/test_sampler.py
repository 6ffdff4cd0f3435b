"""The sampler against the distribution it claims to draw from: 10⁶ draws, fixed seeds.

Component weights cannot be read off a drawn point, so components sit far apart: whose cell a point
falls into says which one drew it.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ISAS
from scipy import stats

from sketchrnn import Distribution, _core

COUNT = 1_000_000
P_MIN = 1e-4
TEMPERATURES = [0.1, 0.4, 1.0, 3.0]
SCALE = 7.0  # data units per net unit

# Columns: π logit, μx, μy, log σx, log σy, atanh ρ. Logits close enough that at τ = 0.1 the rarest
# component still gets some hundred draws; a ρ of each sign, one of them near ±1, and one 0.
COMPONENTS = np.array(
    [
        [0.0, -900.0, 0.0, 0.0, -1.0, 0.8],
        [-0.5, -300.0, 0.0, 1.0, 0.0, -0.8],
        [0.1, 300.0, 0.0, -2.0, 0.5, 2.5],
        [-0.7, 900.0, 0.0, 0.3, -3.0, 0.0],
    ]
)
PEN = np.array([0.3, -0.2, 0.0])


def distribution():
    return Distribution(np.concatenate([PEN, COMPONENTS.T.ravel()]).astype(np.float32), SCALE)


def p_values(rows, temperature, *, flip_rho=False, forget_root=False, softmax=None):
    """p of every statistic: chi-square of components and pen, KS of the whitened offsets and of
    their radius and angle, and correlation. The two flags put a mistake into the expectation."""
    rows = rows.astype(np.float64)
    categorical = temperature if softmax is None else softmax
    component = np.searchsorted([-600.0, 0.0, 600.0], rows[:, 0] / SCALE)
    weights = np.exp(COMPONENTS[:, 0] / categorical)
    pens = np.exp(PEN / categorical)
    p = {
        "components": chi_square(np.bincount(component, minlength=4), weights),
        "pen": chi_square(rows[:, 2:].sum(axis=0), pens),
    }
    # Pen and component are chosen independently.
    table = np.array([rows[component == k, 2:].sum(axis=0) for k in range(4)])
    p["independence"] = stats.chi2_contingency(table + 1e-9).pvalue
    spread = 1.0 if forget_root else np.sqrt(temperature)
    for k, (_, mu_x, mu_y, log_sx, log_sy, atanh_rho) in enumerate(COMPONENTS):
        chosen = rows[component == k]
        rho = np.tanh(-atanh_rho if flip_rho else atanh_rho)
        zx = (chosen[:, 0] / SCALE - mu_x) / (np.exp(log_sx) * spread)
        zy = (chosen[:, 1] / SCALE - mu_y) / (np.exp(log_sy) * spread)
        white = (zy - rho * zx) / np.sqrt(1 - rho**2)
        p[f"x of {k}"] = stats.kstest(zx, "norm").pvalue
        p[f"y of {k}"] = stats.kstest(zy, "norm").pvalue
        p[f"whitened y of {k}"] = stats.kstest(white, "norm").pvalue
        p[f"radius of {k}"] = stats.kstest((zx**2 + white**2) / 2, "expon").pvalue
        turns = np.arctan2(white, zx) / (2 * np.pi) % 1.0
        p[f"angle of {k}"] = stats.kstest(turns, "uniform").pvalue
        p[f"correlation of {k}"] = stats.pearsonr(zx, white).pvalue
        # Fisher's transformation of the raw correlation: normal with variance 1 / (n − 3).
        z = (np.arctanh(np.corrcoef(zx, zy)[0, 1]) - np.arctanh(rho)) * np.sqrt(len(zx) - 3)
        p[f"rho of {k}"] = 2 * stats.norm.sf(abs(z))
    return p


def chi_square(counts, weights):
    return stats.chisquare(counts, weights / weights.sum() * counts.sum()).pvalue


@pytest.fixture(scope="module")
def draws():
    return {t: distribution().sample(t, seed=i, size=COUNT) for i, t in enumerate(TEMPERATURES)}


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_distribution(draws, temperature):
    p = p_values(draws[temperature], temperature)
    assert min(p.values()) > P_MIN, {k: v for k, v in p.items() if v <= P_MIN}


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_statistics_see_a_flipped_rho(draws, temperature):
    p = p_values(draws[temperature], temperature, flip_rho=True)
    for k in (0, 1, 2):  # component 3 has none
        assert p[f"rho of {k}"] < P_MIN
        assert p[f"correlation of {k}"] < P_MIN
        assert p[f"radius of {k}"] < P_MIN


@pytest.mark.parametrize("temperature", [t for t in TEMPERATURES if t != 1.0])
def test_statistics_see_a_forgotten_root(draws, temperature):
    p = p_values(draws[temperature], temperature, forget_root=True)
    for k in range(4):
        for name in ("x", "y", "whitened y", "radius"):
            assert p[f"{name} of {k}"] < P_MIN


@pytest.mark.parametrize("temperature", [t for t in TEMPERATURES if t != 1.0])
def test_statistics_see_a_wrong_softmax(draws, temperature):
    p = p_values(draws[temperature], temperature, softmax=1.0)
    assert p["components"] < P_MIN
    assert p["pen"] < P_MIN


def test_softmax_temperature_overrides_the_categoricals_alone():
    rows = distribution().sample(0.4, seed=31, size=COUNT, softmax_temperature=0.7)
    assert min(p_values(rows, 0.4, softmax=0.7).values()) > P_MIN


def test_other_seed_other_draws_same_seed_same_draws():
    d = distribution()
    a, b, c = (d.sample(1.0, seed=s, size=1000) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any(axis=1).mean() > 0.99
    np.testing.assert_array_equal(a[:10], d.sample(1.0, seed=1, size=10))
    np.testing.assert_array_equal(a[0], d.sample(1.0, seed=1))


def test_no_draw_repeats():
    """Every draw has random numbers of its own: a stuck word of the counter would repeat rows."""
    rows = distribution().sample(1.0, seed=4, size=100_000)
    # Offsets are float32: of 10⁵ pairs some two may coincide, not more.
    assert len(np.unique(rows[:, :2], axis=0)) > 99_990


def test_temperature_zero_is_the_decision(isa):
    d = distribution()
    best = int(np.argmax(COMPONENTS[:, 0]))
    expected = np.float32(COMPONENTS[best, 1:3]) * np.float32(SCALE)
    rows = d.sample(0.0, seed=3, size=100)
    np.testing.assert_array_equal(rows[:, :2], np.tile(expected, (100, 1)))
    np.testing.assert_array_equal(rows[:, 2:], np.tile(np.eye(3)[np.argmax(PEN)], (100, 1)))
    np.testing.assert_array_equal(d.decision(), rows[0])


def test_tiny_and_huge_temperatures():
    d = distribution()
    np.testing.assert_allclose(d.sample(1e-30, seed=3), d.decision(), rtol=1e-6, atol=1e-12)
    flat = d.sample(1e30, seed=5, size=90_000, softmax_temperature=1e30)
    assert chi_square(flat[:, 2:].sum(axis=0), np.ones(3)) > P_MIN


def test_every_isa_draws_the_same_bits(monkeypatch):
    drawn = []
    for name in ISAS:
        monkeypatch.setenv("SKETCHRNN_ISA", name)
        drawn.append(distribution().sample(0.7, seed=9, size=20_000).tobytes())
    assert len(set(drawn)) == 1


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # Random123's tests/kat_vectors, the three lines "philox4x32 10"
        (
            (0x00000000, 0x00000000, 0x00000000, 0x00000000),
            (0x00000000, 0x00000000),
            (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ),
        (
            (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
            (0xFFFFFFFF, 0xFFFFFFFF),
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    assert tuple(_core.philox4x32_10(counter, key)) == expected
