"""Training of nets with an encoder: gradients, the loss by the paper, resuming, what is written."""

import math
from pathlib import Path

import numpy as np
import pytest
from latent_nets import latent_net, reference

import sketchrnn

torch = pytest.importorskip("torch")

from sketchrnn.train import (  # noqa: E402
    batches,
    ending,
    export,
    latent,
    latent_ending,
    model,
)
from sketchrnn.train.cli import main  # noqa: E402
from sketchrnn.train.data import Drawing, save_cache  # noqa: E402
from sketchrnn.train.evaluate import evaluate  # noqa: E402


def drawings(count, seed=0, split="train"):
    rng = np.random.default_rng(seed)
    out = []
    for i in range(count):
        n = int(rng.integers(3, 12))
        rows = np.concatenate(
            [rng.integers(-30, 30, (n, 2)), rng.random((n, 1)) < 0.2], axis=1
        ).astype(np.int16)
        out.append(Drawing("cat", f"{split}{seed}-{i}", rows, split))
    return out


def small(seed=1):
    torch.manual_seed(seed)
    net = latent.LatentNet(7, 2, encoder=5, latent=3)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    return net


def test_gradients():
    """Each parameter's, along a random direction, against differences."""
    net = small()
    batch = batches.collate(drawings(4), {}, 30.0)
    noise = torch.randn(4, 3)
    kept = (torch.rand(2, *batch.valid.shape, 5) < 0.8).to(torch.uint8)

    def loss():
        z, kl = net.follow(batch, noise=noise, encoder_kept=kept, gain=1.25)
        parts = model.losses(z, torch.from_numpy(batch.targets), torch.from_numpy(batch.valid))
        return parts[0].sum() + parts[1].sum() + 5 * kl.sum()

    loss().backward()
    for name, p in net.named_parameters():
        way = torch.randn_like(p)
        with torch.no_grad():
            e = 2e-3
            p += e * way
            up = loss().double()
            p -= 2 * e * way
            down = loss().double()
            p += e * way
        found = float(up - down) / (2 * e)
        assert float((p.grad * way).sum()) == pytest.approx(found, rel=0.03, abs=0.3), name


def test_it_is_the_net_that_the_core_runs():
    """Losses at z = μ by the oracle, drawing by drawing, and L_KL by eq. 10."""
    net = latent_net()
    oracle = reference(net)
    oracle.start_token = (0, 0, 0, 0, 0)  # what every net is trained with
    trained = model.unfolded(net.arrays())
    some = drawings(5)
    found = evaluate(trained, some, {}, net.scale_factor, 200)
    offset = pen = kl = 0.0
    for d in some:
        rows = sketchrnn.stroke3_to_stroke5(d.rows.astype(np.float32), end=True)
        mu, sigma = oracle.encode(rows)
        one = oracle.nll(rows, oracle.forward(rows, mu))
        offset, pen = offset + one[0].sum(), pen + one[1].sum()
        kl += -0.5 * (1 + 2 * np.log(sigma) - mu**2 - sigma**2).mean()
    assert found["offset"] * found["rows"] == pytest.approx(offset, rel=1e-4)
    assert found["pen"] * found["rows"] == pytest.approx(pen, rel=1e-4)
    assert found["kl"] == pytest.approx(kl / len(some), rel=1e-4)
    for key, array in latent.tensors(trained).items():
        assert np.array_equal(array, net.arrays()[key])


def run_of(tmp_path, steps=6, name="a.ckpt", **more):
    settings = latent.LatentSettings(
        steps=steps, batch=8, every=3, warmup=2, kl_rate=0.9, n_max=20, **more
    )
    checkpoint = tmp_path / name
    train, valid = drawings(20), drawings(6, 9, "valid")
    return latent.LatentRun(small(), settings, train, valid, {}, 30.0, checkpoint)


def test_own_steps_are_the_nets():
    """The offsets are the mean of the likeliest component where chance has no say."""

    class NoChance:
        def gumbel(self, size):
            return np.zeros(size)

        def standard_normal(self, size, dtype):
            return np.zeros(size, dtype)

    net = small()
    batch = batches.collate(drawings(4), {}, 30.0)
    rows = torch.from_numpy(batch.targets)
    lengths = torch.from_numpy(batch.valid.sum(0).astype(np.int64))
    with torch.no_grad():
        out, _ = net.follow(batch)
        _, pi, mx, my, *_ = model.split(out)
        best = pi.argmax(-1, keepdim=True)
        wanted = torch.stack([v.gather(-1, best)[..., 0] for v in (mx, my)], -1)
        steps = latent.OwnSteps(net, rows, lengths, [0])
        steps.rng = NoChance()
        found = torch.stack([steps.step(torch.from_numpy(x)) for x in batch.inputs])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)  # float32, in another order


def test_objective_is_the_papers(tmp_path):
    run = run_of(tmp_path, w_kl=0.7, kl_min=0.3)
    batch = run.batches[0]
    rows, count, n_max = batch.rows, batch.valid.shape[1], 20
    for step, kl in ((0, 1.0), (0, 0.1), (50, 1.0)):
        run.step = step
        nats = torch.tensor(40.0)
        eta = 1 - (1 - 0.01) * 0.9**step
        loss = 40.0 / (n_max * count) + 0.7 * eta * max(kl, 0.3)  # L_R + w η max(L_KL, KL_min)
        found = float(run._per_row(nats, torch.full((count,), kl), batch))
        assert found == pytest.approx(loss * n_max * count / rows, rel=1e-6)


def test_resumed_training_is_the_same(tmp_path):
    whole = run_of(tmp_path)
    whole.go(lambda found: None)
    for _ in range(3):  # killed after every two steps
        part = run_of(tmp_path, name="b.ckpt")
        for _ in range(2):
            part._advance()
            if part.step % 3 == 0:
                part._validate()
        part.save()
    for key, value in whole.net.state_dict().items():
        assert torch.equal(value, part.net.state_dict()[key]), key
    strip = [{k: v for k, v in one.items() if k != "seconds"} for one in whole.history]
    assert strip == [{k: v for k, v in one.items() if k != "seconds"} for one in part.history]
    assert {"paper", "kl"} <= whole.history[-1].keys()  # L_R and L_KL


def test_whitened_nets_are_the_same_where_drawings_are_normal():
    net = small()
    given = [batches.collate(drawings(40, seed), {}, 30.0) for seed in range(5)]
    white = latent.whitened(net, given)
    mus, variances = [], []
    with torch.no_grad():
        for batch in given:
            before, after = (one.follow(batch)[0] for one in (net, white))
            torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)  # float32
            lengths = torch.from_numpy(batch.valid.sum(0)).long()
            mu, spread = white.encode(torch.from_numpy(batch.targets), lengths)
            mus.append(mu)
            variances.append(spread.exp())
    every = torch.cat(mus)
    assert every.mean(0).abs().max() < 1e-3
    spread = every.T @ every / len(every) + torch.diag(torch.cat(variances).mean(0))
    # σ is fitted: on its own axes it is near, and has none between them.
    torch.testing.assert_close(spread.diag(), torch.ones(3), rtol=0.1, atol=0.0)


def test_own_steps_lead_back(tmp_path):
    run = run_of(tmp_path, own=1.0)
    batch, seen = run._batch(), run._seen.numpy()
    assert (batch.targets[..., 2:] == seen[..., 2:]).all()
    assert (batch.targets[0] == seen[0]).all()  # nothing has gone astray yet
    assert np.abs(batch.targets - seen)[1:, :, :2].max() > 0.01
    assert (run._batch().inputs == batch.inputs).all()


def test_it_learns_what_z_says(tmp_path):
    """Two kinds of drawings: z tells them apart, and the loss falls below that without z."""
    rng = np.random.default_rng(0)

    def some(count, split):
        out = []
        for i in range(count):
            step = (20, 0) if i % 2 else (0, 20)
            rows = np.array([[*step, 0]] * 6)
            rows[:, :2] += rng.integers(-2, 3, (6, 2))
            out.append(Drawing("a", f"{split}{i}", rows.astype(np.int16), split))
        return out

    def trained(w_kl):
        settings = latent.LatentSettings(
            steps=120, batch=16, every=120, warmup=5, lr=1e-2, n_max=8, keep=1.0, average=0.9,
            kl_rate=0.95, w_kl=w_kl, kl_min=0.0,
        )  # fmt: skip
        torch.manual_seed(0)
        net = latent.LatentNet(16, 2, encoder=12, latent=4)
        run = latent.LatentRun(net, settings, some(64, "train"), some(16, "valid"), {}, 10.0)
        run.go(lambda found: None)
        return run.history[-1]

    free, held = trained(0.05), trained(50.0)
    assert free["kl"] > 10 * held["kl"]
    # Which of the two kinds it is costs log 2 = 0.69 a drawing, 7 rows, where z may not say it.
    assert free["nats"] < held["nats"] - 0.3 / 7


def test_command(tmp_path, capsys):
    corpus = tmp_path / "corpus.npz"
    save_cache(corpus, drawings(30) + drawings(8, 3, "valid") + drawings(8, 4, "test"))
    target = tmp_path / "net.safetensors"
    command = [
        *(str(corpus), "-o", str(target), "--hidden", "9", "--mixtures", "3"),
        *("--latent", "4", "--encoder", "6", "--steps", "4", "--every", "2", "--batch", "8"),
    ]
    assert main(command) == 0
    assert "L_KL" in capsys.readouterr().out
    net = sketchrnn.load(target)
    assert net.latent_size == 4
    assert net.encode(net.draw(3, seed=1)).shape == (3, 4)
    losses = net.info()["training"]["losses"]
    assert math.isfinite(losses["test"]["kl"])
    # Goes on from itself, and from a net without an encoder.
    more = tmp_path / "more.safetensors"
    told = ["--latent", "4", "--encoder", "6", "--steps", "1", "--batch", "8"]
    assert main([str(corpus), "-o", str(more), "--init", str(target), *told]) == 0
    assert sketchrnn.load(more).latent_size == 4
    plain = tmp_path / "plain.safetensors"
    assert main([str(corpus), "-o", str(plain), "--hidden", "9", "--steps", "1"]) == 0
    begun = tmp_path / "begun.safetensors"
    assert main([str(corpus), "-o", str(begun), "--init", str(plain), *told]) == 0
    assert sketchrnn.load(begun).latent_size == 4
    assert main([str(corpus), "-o", str(begun), "--latent", "4", "--conditional"]) == 1
    assert "no --conditional" in capsys.readouterr().err


def test_it_learns_to_end():
    """Drawings of anybody's vector and of given drawings'; where those lie does not change."""
    net = small()
    with torch.no_grad():
        net.wx[5:] *= 0.3
        net.bo[:3] = torch.tensor([1.5, -0.2, -1.0])
    settings = ending.Settings(
        rounds=4, steps=15, drawings=24, own=60, anchors=16, lr=3e-2, push=1.0, bfloat16=False,
        checked=60,
    )  # fmt: skip
    facts = export.describe("a", 30.0, 60, {})
    before = {key: value.clone() for key, value in net.state_dict().items()}
    run = latent_ending.LatentEnding(net, facts, settings, real=drawings(20))
    assert len(run.z) == len(run.known) > 25

    def ended():
        drawn = run.engine().draw(z=run.z.numpy(), temperature=0.2, seed=3)
        return float(np.mean([d.finished for d in drawn]))

    first = ended()
    run.go(lambda found: None)
    assert first < 0.5 < 0.9 < ended()
    for key, value in run.average.state_dict().items():
        same = torch.equal(value, before[key])
        assert same == key.startswith(("fw_", "bw_", "mu_", "sigma_")), key
    with pytest.raises(ValueError, match="latent_tanh: expected a net that takes z as it is"):
        latent_ending.LatentEnding(small(), facts | {"latent_tanh": "true"}, settings)


def test_command_teaches_to_end(tmp_path):
    path, out = tmp_path / "net.safetensors", tmp_path / "out.safetensors"
    export.write(path, model.tensors(small()), export.describe("a", 30.0, 60, {}), "F16")
    assert main(["--ending", str(path), "-o", str(out), "--rounds", "1"]) == 0
    was, now = sketchrnn.load(path), sketchrnn.load(out)
    assert now.latent_size == was.latent_size == 3
    assert not np.array_equal(now.arrays()["wh"], was.arrays()["wh"])
    assert np.array_equal(now.arrays()["fw.wh"], was.arrays()["fw.wh"])


def test_recipe_of_the_nets(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "tools/nets")
    import morph

    assert len(morph.OBJECTS["morph"]) >= 10
    run = run_of(tmp_path)
    run.go(lambda found: None)
    path = tmp_path / "cat-latent.safetensors"
    parts = {"train": [], "valid": drawings(6, 3, "valid"), "test": drawings(6, 4, "test")}
    held = morph.losses(run.averaged(), parts, run.scale_factor)
    morph.write(path, run.averaged(), run, "cat-latent", parts, None, losses=held)
    net = sketchrnn.load(path)
    assert net.latent_size == 3
    told = net.info()["training"]
    assert told["losses"]["test"]["kl"] > 0
    assert told["objects"] == ["cat"]
    # Another may begin as it.
    again, scale = morph.begun(path, ("cat",), [])
    assert scale == pytest.approx(net.scale_factor)
    assert again.latent == 3
