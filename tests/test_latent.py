"""Nets with an encoder: held against the float64 oracle, and bits against bits."""

import itertools

import numpy as np
import pytest
from conftest import ISAS, PRECISIONS, batch, small_net
from latent_nets import FACTS, latent_net, random_arrays, reference, some_drawings

import sketchrnn
from sketchrnn import _core
from sketchrnn.latent import between
from sketchrnn.nets.safetensors import LATENT

# The bound: relative to numbers above 1, absolute below. float32 over some 50 steps of sums
# of up to 512 products; the largest found is 3e-6.
TOLERANCE = 2e-5
SHAPES = [
    {"hidden": 33, "encoder": 7, "latent": 1},
    {"hidden": 33, "encoder": 256, "latent": 16},
    {"hidden": 512, "encoder": 512, "latent": 128, "mixtures": 20},
]


def assert_close(found, expected, what):
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=what)


@pytest.mark.parametrize("shape", [*SHAPES, "morph", "cat-latent"], ids=str)
def test_encoder_and_decoder_follow_the_oracle(isa, shape):
    """Random nets, and those of the package on drawings of another."""
    if isinstance(shape, str):
        net = sketchrnn.load(shape)
        drawings = [d.strokes for d in sketchrnn.load("cat").draw(4, seed=2, temperature=0.5)]
    else:
        net, drawings = latent_net(**shape), some_drawings()
    oracle = reference(net)
    mu, sigma = net.posterior(drawings)
    assert mu.shape == sigma.shape == (len(drawings), net.latent_size)
    assert mu.dtype == np.float32
    z = net._core.forward(*batch(drawings), 1, None, mu)
    at = 0
    for i, rows in enumerate(drawings):
        want_mu, want_sigma = oracle.encode(rows)
        assert_close(mu[i], want_mu, "mu")
        assert_close(sigma[i], want_sigma, "sigma")
        found = oracle.mixture(z[at : at + len(rows)].astype(float))
        wanted = oracle.mixture(oracle.forward(rows, mu[i].astype(float)))
        for key in wanted:
            assert_close(found[key], wanted[key], key)
        at += len(rows)


@pytest.mark.parametrize("latent_tanh", [False, True])
def test_first_state(latent_tanh):
    """c first, then h; tanh(z) before Wz alone where the net says so."""
    net = latent_net(latent_tanh=latent_tanh)
    oracle = reference(net)
    z = np.linspace(-2, 2, 16)
    state = net.state(seed=1, z=z)
    h, c = oracle.cell(np.concatenate([oracle.start_token, z]), *oracle.start(z))
    assert_close(state.hidden, h, "h")
    assert_close(state.cell, c, "c")
    other = reference(latent_net(latent_tanh=not latent_tanh))
    far = other.cell(np.concatenate([oracle.start_token, z]), *other.start(z))[0]
    assert np.abs(state.hidden - far).max() > 1e-2


@pytest.mark.parametrize("precision", PRECISIONS)
def test_bits_do_not_depend_on_the_machine_or_the_batch(precision, monkeypatch):
    drawings = some_drawings(30)
    found = set()
    for isa in ISAS:
        monkeypatch.setenv("SKETCHRNN_ISA", isa)
        net = latent_net(precision)
        for threads in (1, 2):
            mu, sigma = net.posterior(drawings, threads=threads)
            alone = np.concatenate([net.encode([d], threads=1) for d in drawings[:5]])
            assert np.array_equal(alone, mu[:5])
            drawn = net.draw(z=mu, seed=3, temperature=0.7, threads=threads)
            one = [net.draw(z=mu[k], seed=3, index=k, temperature=0.7) for k in (0, 7)]
            assert one == [drawn[0], drawn[7]]
            free = net.draw(20, seed=4, threads=threads)
            scores = net.score(drawings, z=mu, threads=threads)
            completed = net.complete(drawings[1], 7, seed=5, threads=threads, max_len=90)
            assert completed[3] == net.complete(drawings[1], seed=5, index=3, max_len=90)
            found.add(
                b"".join(
                    np.ascontiguousarray(a).tobytes()
                    for a in (
                        mu,
                        sigma,
                        drawn.strokes,
                        free.strokes,
                        scores.per_drawing,
                        completed.strokes,
                        net.encode(drawings, temperature=1, seed=6),
                    )
                )
            )
    assert len(found) == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_state_steps_through_what_draw_draws(precision):
    net = latent_net(precision)
    z = np.linspace(-1, 1, 16)
    for given in ({}, {"z": z}):
        sketch = net.draw(seed=8, index=3, temperature=0.6, **given)
        state = net.state(seed=8, index=3, **given)
        rows = [state.step(0.6) for _ in range(len(sketch))]
        assert np.array_equal(rows, sketch.strokes)
        state.reset(9, 1)
        again = net.draw(seed=9, index=1, temperature=0.6, **given)
        assert np.array_equal([state.copy().step(0.6), state.step(0.6)], again.strokes[[0, 0]])
        at = len(sketch) // 2
        assert (
            net.complete(sketch.strokes[:at], seed=8, index=3, temperature=0.6, **given) == sketch
        )


def test_a_drawing_without_z_has_that_of_its_seed_and_index():
    net = latent_net()
    z = net._core.latents(11, 5, 4)
    assert list(net.draw(4, seed=11, index=5)) == list(net.draw(z=z, seed=11, index=5))
    assert len(np.unique(z)) == z.size
    many = net._core.latents(1, 0, 4000)
    # Means and variances of 4,000 normals: five standard errors.
    assert np.abs(many.mean(0)).max() < 5 / np.sqrt(4000)
    assert np.abs(many.var(0) - 1).max() < 5 * np.sqrt(2 / 4000)
    assert np.abs(np.corrcoef(many.T) - np.eye(16)).max() < 5 / np.sqrt(4000)


def test_encoding_at_a_temperature():
    net = latent_net()
    drawings = some_drawings()
    mu, sigma = net.posterior(drawings)
    noise = net._core.latents(3, 0, len(drawings))
    found = net.encode(drawings, temperature=0.5, seed=3)
    np.testing.assert_array_equal(found, mu + np.float32(0.5) * sigma * noise)
    assert np.array_equal(net.encode(drawings), mu)


@pytest.mark.parametrize(("precision", "mean", "most"), [("i16", 1e-3, 2e-2), ("i8", 0.05, 0.5)])
def test_what_a_precision_costs(precision, mean, most):
    """μ of random nets, in standard deviations of the prior; the trained ones: docs/latent.md."""
    drawings = some_drawings(20)
    exact = latent_net(hidden=64, encoder=128).encode(drawings)
    error = np.abs(latent_net(precision, hidden=64, encoder=128).encode(drawings) - exact)
    assert 0 < error.mean() < mean
    assert error.max() < most


def test_score_without_z_takes_the_drawings_own():
    net = latent_net()
    drawings = some_drawings()
    own = net.score(drawings, z=net.encode(drawings))
    assert np.array_equal(net.score(drawings).per_drawing, own.per_drawing)
    other = net.score(drawings, z=np.zeros(16))
    assert not np.array_equal(other.per_drawing, own.per_drawing)


def test_reconstruct_and_interpolate():
    net = latent_net()
    drawings = some_drawings()
    z = net.encode(drawings)
    made = net.reconstruct(drawings, seed=1, temperature=0.1)
    assert list(made) == list(net.draw(z=z, seed=1, temperature=0.1))
    for method in ("spherical", "linear"):
        steps = net.interpolate(drawings[1], z[2], 7, method=method, seed=1, temperature=0.1)
        assert len(steps) == 7
        assert steps[0] == net.draw(z=z[1], seed=1, index=0, temperature=0.1)
        assert steps[6] == net.draw(z=z[2], seed=1, index=6, temperature=0.1)
    grid = net.interpolation_grid(*drawings[1:5], 4, seed=2, temperature=0.1)
    assert len(grid.sketches) == 16
    assert grid.columns == 4
    corners = [grid.sketches[i] for i in (0, 3, 12, 15)]
    for k, corner, vector in zip((0, 3, 12, 15), corners, z[1:5], strict=True):
        assert corner == net.draw(z=vector, seed=2, index=k, temperature=0.1)


def test_spherical_goes_at_an_even_angle():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40)).astype(np.float32)
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    steps = between(a, b, np.linspace(0, 1, 9))
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), np.linalg.norm(a), rtol=1e-6)
    turns = [np.arccos(np.dot(p, q) / np.dot(p, p)) for p, q in itertools.pairwise(steps)]
    np.testing.assert_allclose(turns, turns[0], rtol=1e-3)
    np.testing.assert_allclose(
        between(a, b, np.array([0.25]), "linear")[0], 0.75 * a + 0.25 * b, rtol=1e-6
    )
    # There is no arc from or to the origin, along a line, or to the opposite point.
    for end in (0 * a, 2 * a, -a):
        half = between(a, end, np.array([0.5]))[0]
        np.testing.assert_allclose(half, (a + end) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.zeros(15), r"z: expected an array of shape \(16,\) or \(n, 16\), found \(15,\)"),
        (np.zeros((2, 17)), r"z: expected an array of shape .*found \(2, 17\)"),
        (np.zeros((0, 16)), r"found \(0, 16\)"),
        (np.zeros((1, 2, 16)), r"found \(1, 2, 16\)"),
        (np.full(16, np.nan), r"z: row 0: number 0 must be finite, found nan"),
        (np.full(16, 1e39), r"z: row 0: number 0 must be finite, found inf"),
        ("text", r"z: expected an array of real numbers"),
        (np.full(16, 3e38), r"z: the (biases|state) it makes overflow"),
    ],
)
def test_wrong_z(z, message):
    net = latent_net()
    rows = some_drawings()[1]
    for call in (
        lambda: net.draw(z=z),
        lambda: net.complete(rows, z=z, max_len=90),
        lambda: net.state(z=z),
        lambda: net.predict(rows, z=z),
        lambda: net.score([rows], z=z),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            call()


def test_wrong_count_and_wrong_net():
    net = latent_net()
    drawings = some_drawings(3)
    with pytest.raises(ValueError, match="z: expected one row, or one for each of the 5 drawings"):
        net.draw(5, z=np.zeros((4, 16)))
    with pytest.raises(ValueError, match="z: expected one row, or one for each of the 3 drawings"):
        net.score(drawings, z=np.zeros((2, 16)))
    plain = small_net()
    assert plain.latent_size == 0
    for call in (
        lambda: plain.draw(z=np.zeros(16)),
        lambda: plain.encode(drawings),
        lambda: plain.reconstruct(drawings),
        lambda: plain.interpolate(drawings[0], drawings[1]),
        lambda: plain.interpolate(np.zeros(16), np.zeros(16)),
    ):
        with pytest.raises(ValueError, match="has no encoder"):
            call()
    with pytest.raises(ValueError, match="method: expected one of spherical, linear, found 'x'"):
        net.interpolate(drawings[1], drawings[2], method="x")
    with pytest.raises(ValueError, match="n: expected an integer from 2"):
        net.interpolate(drawings[1], drawings[2], 1)
    with pytest.raises(ValueError, match="drawing 0: empty"):
        net.encode([np.zeros((0, 5))])


@pytest.mark.parametrize("key", LATENT)
@pytest.mark.parametrize("wrong", ["missing", "wide", "nan"])
def test_wrong_arrays(key, wrong):
    arrays = random_arrays()
    if wrong == "missing":
        del arrays[key]
    elif wrong == "wide":
        arrays[key] = np.repeat(arrays[key], 2, axis=-1)
    else:
        arrays[key].ravel()[-1] = np.nan
    # A wrong size of one is found at another where both could be it.
    with pytest.raises(sketchrnn.WeightsError, match=r"array|arrays"):
        sketchrnn.from_arrays(arrays, **FACTS)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_container_keeps_the_net(tmp_path, dtype):
    net = latent_net(dtype=dtype)
    drawings = some_drawings()
    for precision in PRECISIONS:
        given = latent_net(precision, dtype=dtype)
        path = tmp_path / f"{precision}.safetensors"
        given.save(path)
        back = sketchrnn.load(path, precision=precision)
        assert back.latent_size == 16
        assert np.array_equal(back.encode(drawings), given.encode(drawings))
        assert list(back.draw(5, seed=1)) == list(given.draw(5, seed=1))
    assert net.info()["latent_size"] == 16
    assert set(net.info()["arrays"]) == set(net.arrays())


def test_calibration_is_kept_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKETCHRNN_HOME", str(tmp_path))
    first = latent_net("i8")
    assert len(list(tmp_path.glob("*.i8"))) == 1
    monkeypatch.setattr(_core, "calibrated", None)
    assert np.array_equal(latent_net("i8").encode(some_drawings()), first.encode(some_drawings()))
