"""Nets that end: what is overdue, the divergence, the pressure, and going on after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import sketchrnn  # noqa: E402
from sketchrnn.train import cli, ending, export, model  # noqa: E402

# Small products: two threads that wait for each other are slower than one, on a busy machine much.
torch.set_num_threads(1)

SMALL = ending.Settings(
    rounds=3, steps=3, drawings=6, completions=4, own=40, anchors=8, overdue=6, bfloat16=False
)


def rows(*strokes: int, ended: bool = True) -> np.ndarray:
    """A drawing of strokes of so many rows; the last of each lifts the pen."""
    out = []
    for n in strokes:
        out += [[1.0, 2.0, 1.0, 0.0, 0.0]] * (n - 1) + [[1.0, 2.0, 0.0, 1.0, 0.0]]
    return np.array(out + [[0.0, 0.0, 0.0, 0.0, 1.0]] * ended, np.float32)


def looping(hidden: int = 12, mixtures: int = 3) -> model.Net:
    """A net that seldom lifts and seldom ends: never, at low temperatures."""
    torch.manual_seed(4)
    net = model.Net(hidden, mixtures)
    with torch.no_grad():
        net.bo[:3] = torch.tensor([1.0, -0.2, -1.0])
    return net


def metadata(max_len: int = 60) -> dict[str, str]:
    return export.describe("a", 30.0, max_len, {})


def test_limits_are_quantiles() -> None:
    drawings = [rows(3, 4), rows(5), rows(2, 2, 2)]
    s = ending.Settings(stroke=1.0, strokes=1.0, rows=0.5)
    assert ending.Limits.of(drawings, s) == ending.Limits(stroke=5, strokes=3, rows=7)
    never = np.array([[1.0, 0, 1, 0, 0], [0, 0, 0, 0, 1]], np.float32)
    with pytest.raises(ValueError, match="lifts the pen in none"):
        ending.Limits.of([never], s)


def test_what_is_overdue() -> None:
    limits = ending.Limits(stroke=4, strokes=2, rows=100)
    assert not ending.overdue(rows(4, 4), limits).any()
    # The fifth and sixth rows of a stroke should have lifted; the seventh did.
    assert ending.overdue(rows(7), limits).tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    # A third stroke begins where the drawing should have ended, and then is to be lifted first.
    assert ending.overdue(rows(2, 2, 3), limits).tolist() == [0, 0, 0, 0, 2, 1, 0, 0]
    # Rows beyond the limit, in a stroke and after it.
    few = ending.Limits(stroke=9, strokes=9, rows=3)
    assert ending.overdue(rows(5, 1, ended=False), few).tolist() == [0, 0, 0, 1, 0, 2]


def test_divergence_is_that_of_samples() -> None:
    """Of one component it is exact: the mean of log p / q over samples of p."""
    torch.manual_seed(0)
    old, new = torch.randn(2, 5, 9, dtype=torch.float64) * 0.5
    got = ending.divergence(old, new)
    assert (ending.divergence(old, old).abs() < 1e-12).all()
    _, mx, my, lx, ly, r = old[:, 3:].unbind(-1)
    u, w = torch.randn(2, 200_000, 5, dtype=torch.float64)
    rho = torch.tanh(r)
    dx = mx + lx.exp() * u
    dy = my + ly.exp() * (rho * u + (1 - rho**2).sqrt() * w)
    log_p = model.mixture_log_prob(old.expand(*dx.shape, -1), dx, dy)
    log_q = model.mixture_log_prob(new.expand(*dx.shape, -1), dx, dy)
    p, q = (torch.log_softmax(z[:, :3], -1) for z in (old, new))
    expected = (log_p - log_q).mean(0) + (p.exp() * (p - q)).sum(-1)
    torch.testing.assert_close(got, expected, rtol=0.03, atol=0.01)


def test_divergence_of_needles() -> None:
    """Two needles a thousandth apart differ much, but not within a pixel."""
    z = torch.zeros(9, dtype=torch.float64)
    z[6:8] = -9.0
    other = z.clone()
    other[4] += 1e-3
    assert float(ending.divergence(z, other)) > 10.0
    assert float(ending.divergence(z, other, 1.0 / 12.0 / 30.0**2)) < 0.01


def test_pressure_pushes_the_right_logits() -> None:
    pen = torch.zeros(2, 3, requires_grad=True)
    ending.pressure(pen, torch.tensor([ending.LIFT, ending.END]), 1.0).sum().backward()
    down, lift, end = (-pen.grad).T
    assert down[0] < 0 < lift[0]
    assert lift[0] == pytest.approx(float(end[0]))
    assert down[1] < 0
    assert lift[1] < 0 < end[1]
    far = torch.tensor([[0.0, 5.0, 0.0]])
    assert float(ending.pressure(far, torch.tensor([ending.LIFT]), 1.0)) < 1e-4


def ended(net: model.Net, temperature: float) -> float:
    engine = ending.Ending(net, metadata(), SMALL).engine()
    drawn = engine.draw(60, temperature=temperature, seed=3)
    return float(np.mean(drawn.finished))


def test_a_net_learns_to_end() -> None:
    net = looping()
    assert ended(net, 0.2) < 0.1
    more = ending.Settings(
        rounds=4, steps=15, drawings=12, own=60, anchors=16, lr=3e-2, push=1.0, bfloat16=False
    )
    run = ending.Ending(net, metadata(), more)
    run.go(lambda o: None)
    assert ended(run.average, 0.2) > 0.9


def test_what_is_learnt_is_taken_back_as_far_as_drawings_end() -> None:
    more = ending.Settings(
        rounds=4, steps=15, drawings=12, own=60, anchors=16, lr=3e-2, push=1.0, bfloat16=False,
        parts=(0.05, 0.9, 0.3, 0.6), checked=60, longest=99.0,
    )  # fmt: skip
    net = looping()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    run = ending.Ending(net, metadata(), more)
    said: list[dict[str, object]] = []
    run.go(said.append)
    assert said[-1] == {"part": run.part}
    part = run.part or 0.0
    assert 0.05 < part < 1.0
    for t in more.temperatures[1:]:
        assert np.mean(run.engine().draw(60, temperature=t, seed=more.rounds + 1).finished) > 0.99
    less = {0.3: 0.05, 0.6: 0.3, 0.9: 0.6}[part] / part
    for k, v in run.average.state_dict().items():
        v.copy_(torch.lerp(before[k], v, less))
    assert min(ended for ended, _ in run._endings()) < more.enough


def test_drawings_that_end_late_are_not_enough() -> None:
    """No part is short enough: all that was learnt is kept."""
    some = ending.Settings(
        rounds=1, steps=1, drawings=6, completions=4, own=40, checked=10, longest=0.0, longer=0.0,
        bfloat16=False,
    )  # fmt: skip
    run = ending.Ending(looping(), metadata(), some)
    run.go(lambda o: None)
    assert run.part == 1.0


def test_what_nothing_cures_does_not_keep_the_rest() -> None:
    """Drawings that are as long with half of what was learnt: half is kept."""
    some = ending.Settings(
        rounds=1, steps=1, drawings=6, completions=4, own=40, checked=10, longest=0.0,
        parts=(0.5,), bfloat16=False,
    )  # fmt: skip
    run = ending.Ending(looping(), metadata(), some)
    run.go(lambda o: None)
    assert run.part == 0.5


def test_killed_and_resumed_is_the_same(tmp_path: Path) -> None:
    whole, first = looping(), looping()
    taught = ending.Ending(whole, metadata(), SMALL)
    taught.go(lambda o: None)

    class Killed(Exception):
        pass

    def kill(report: dict[str, object]) -> None:
        if report["round"] == 2:
            raise Killed

    path = tmp_path / "a.ckpt"
    with pytest.raises(Killed):
        ending.Ending(first, metadata(), SMALL, checkpoint=path).go(kill)
    again = looping()
    run = ending.Ending(again, metadata(), SMALL, checkpoint=path)
    assert run.round == 2
    run.go(lambda o: None)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    for name, value in taught.average.state_dict().items():
        assert torch.equal(value, run.average.state_dict()[name]), name
    with pytest.raises(ValueError, match="belongs to other settings"):
        ending.Ending(looping(), metadata(), ending.Settings(), checkpoint=path)
    for damaged in (b"", path.read_bytes()[:100]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.ckpt: not a checkpoint that can be read"):
            ending.Ending(looping(), metadata(), SMALL, checkpoint=path)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a net of one object and of one of many, whose objects all learn."""
    torch.manual_seed(5)
    one, many = tmp_path / "one.safetensors", tmp_path / "many.safetensors"
    export.write(one, model.tensors(looping()), metadata(), "F16")
    net = model.Net(8, 2, objects=3, embedding=4)
    facts = {**metadata(), "objects": json.dumps(["a", "b", "c"]), "default_object": "b"}
    export.write(many, model.tensors(net), facts, "F16")
    for path, objects in ((one, []), (many, ["--objects", "a,c"])):
        out = tmp_path / f"out-{path.name}"
        assert cli.main(["--ending", str(path), "-o", str(out), "--rounds", "1", *objects]) == 0
        was, now = sketchrnn.load(path), sketchrnn.load(out)
        assert (now.name, now.objects, now.max_len) == (was.name, was.objects, was.max_len)
        assert now.scale_factor == was.scale_factor
        record = json.loads(now.metadata["training"])
        assert record["ending"]["rounds"] == 1
        assert record["init"]["file"] == str(path)
        assert not all(np.array_equal(a, now.arrays()[k]) for k, a in was.arrays().items())
    told = metadata() | {"training": "by hand"}
    export.write(one, model.tensors(looping()), told, "F16")
    out = tmp_path / "told.safetensors"
    assert cli.main(["--ending", str(one), "-o", str(out), "--rounds", "1"]) == 0
    record = json.loads(sketchrnn.load(out).metadata["training"])
    assert record["init"]["training"] == "by hand"
    assert cli.main(["-o", str(tmp_path / "x.safetensors")]) == 1
    assert "expected DATA to learn from, or --ending NET" in capsys.readouterr().err
