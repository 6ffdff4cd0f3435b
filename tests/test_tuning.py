"""`sketchrnn train --from`: nets of one's own hand, looked at while they are learnt."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import sketchrnn

torch = pytest.importorskip("torch")

from sketchrnn.cli import main  # noqa: E402
from sketchrnn.train import begin, cli  # noqa: E402


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """A data set of small drawings, all in one part, as `save` writes it; and a small net."""
    folder = tmp_path_factory.mktemp("hand")
    rng = np.random.default_rng(3)
    drawings = []
    for _ in range(30):
        turns = np.cumsum(rng.normal(0.7, 0.1, 9))
        rows = np.column_stack([np.rint(40 * np.cos(turns)), np.rint(40 * np.sin(turns))])
        drawings.append(np.column_stack([rows, np.arange(9) % 5 == 4]))
    sketchrnn.Sketches.of(drawings).save(folder / "spirals.npz")
    net = sketchrnn.load("pig", trained=False, hidden_size=16, mixtures=20)
    arrays, facts = net.arrays(), {"max_len": 60, "name": "small"}
    net = sketchrnn.from_arrays(arrays, scale_factor=30.0, **facts)
    net.save(folder / "small.safetensors")
    return folder


SHORT = ["--steps", "6", "--every", "3", "--batch", "8"]


def train(hand, output, *words):
    start = ["--from", str(hand / "small.safetensors")]
    return cli.main([str(hand / "spirals.npz"), *start, "-o", str(output), *words])


def test_every_checkpoint_can_be_drawn_with(hand, tmp_path, capsys, monkeypatch):
    out = tmp_path / "mine.safetensors"
    seen = []
    report = cli._report
    monkeypatch.setattr(cli, "_report", lambda o: (seen.append(out.exists()), report(o)))
    assert train(hand, out, *SHORT) == 0
    assert seen == [False, True]  # the first was written before the second was validated
    said = capsys.readouterr().out
    assert "30 of 30 drawings (27 train, 3 valid, 0 test); divided anew" in said
    net = sketchrnn.load(out)
    assert net.draw(seed=1).strokes.size
    # Its scale factor is kept: of a net whose box is not stated, in the size that it draws.
    record = json.loads(net.metadata["training"])
    assert record["init"]["file"] == "small.safetensors"
    assert record["steps"] == 6
    assert record["drawings"] == {"train": 27, "valid": 3, "test": 0}
    assert record["settings"]["lr"] == begin.TUNING["lr"]

    # More steps go on; another setting is named.
    assert train(hand, out, "--steps", "9", *SHORT[2:]) == 0
    assert "continuing at step 6" in capsys.readouterr().out
    assert json.loads(sketchrnn.load(out).metadata["training"])["steps"] == 9
    assert train(hand, out, *SHORT, "--lr", "0.5") == 1
    assert "lr 0.0007 there, 0.5 here" in capsys.readouterr().err
    assert train(hand, out, *SHORT, "--max-len", "9") == 1
    assert "too few drawings" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.gen.json", "x.npz", "x.h"])
def test_the_suffix_is_the_format(hand, tmp_path, name):
    assert train(hand, tmp_path / name, *SHORT) == 0
    text = (tmp_path / name).read_bytes()
    assert text[:1] != b"\x00"
    if name.endswith(".gen.json"):
        assert sketchrnn.load(tmp_path / name).hidden_size == 16
        assert sketchrnn.load(tmp_path / name).name == "x"


def test_the_output_is_looked_at_first(hand, tmp_path, capsys):
    began = time.monotonic()
    for output, message in (
        (tmp_path / "no" / "a.safetensors", "there is no folder"),
        (tmp_path / "a.pig", "-o: expected a name ending in one of .safetensors"),
    ):
        assert train(hand, output, "--steps", "1000000") == 1
        assert message in capsys.readouterr().err
    assert train(hand, tmp_path / "a.onnx", "--conditional", "--steps", "1000000") == 1
    assert "a net of many objects is a .safetensors" in capsys.readouterr().err
    # What only turns out when a net is written, too.
    odd = sketchrnn.load("pig", trained=False, hidden_size=16, mixtures=3)
    odd.save(tmp_path / "odd.safetensors")
    words = ["--from", str(tmp_path / "odd.safetensors"), "-o", str(tmp_path / "odd.gen.json")]
    assert cli.main([str(hand / "spirals.npz"), *words, "--steps", "1000000"]) == 1
    assert "mixtures: the programs that read .gen.json have 20" in capsys.readouterr().err
    assert not (tmp_path / "odd.gen.json").exists()
    assert time.monotonic() - began < 60


def test_interrupted_there_is_something_to_draw_with(hand, tmp_path):
    out = tmp_path / "mine.safetensors"
    words = ["--from", str(hand / "small.safetensors"), "-o", str(out), "--steps", "1000000"]
    command = [sys.executable, "-m", "sketchrnn", "train", str(hand / "spirals.npz"), *words]
    process = subprocess.Popen(
        [*command, "--every", "2", "--patience", "1000000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines = iter(process.stdout.readline, b"")
    assert sum(line.startswith(b"step") for line in (next(lines) for _ in range(4))) == 3
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert b"the best so far" in said
    assert sketchrnn.load(out).draw(seed=1).strokes.size


def test_interrupted_before_it_was_validated(hand, tmp_path, capsys, monkeypatch):
    from sketchrnn.train.loop import Run

    advance = Run._advance

    def pressed(run):
        if run.step == 3:
            raise KeyboardInterrupt
        advance(run)

    out = tmp_path / "mine.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(Run, "_advance", pressed)
        assert train(hand, out, "--steps", "9", "--every", "9", "--batch", "8") == 130
    assert f"wrote {out}, step 3, not yet validated" in capsys.readouterr().err
    net = sketchrnn.load(out)
    assert net.draw(seed=1).strokes.size
    assert json.loads(net.metadata["training"])["steps"] == 3
    assert net != sketchrnn.load(hand / "small.safetensors")
    # It goes on from there, and what it writes is what it has learnt since.
    with monkeypatch.context() as patch:
        patch.setattr(Run, "_advance", lambda run: pressed(run) if run.step < 3 else stop(run))

        def stop(run):
            if run.step == 5:
                raise KeyboardInterrupt
            advance(run)

        assert train(hand, out, "--steps", "9", "--every", "9", "--batch", "8") == 130
    assert json.loads(sketchrnn.load(out).metadata["training"])["steps"] == 5
    assert not np.array_equal(sketchrnn.load(out).arrays()["wh"], net.arrays()["wh"])


def test_what_is_said_names_its_unit_and_what_divided(hand, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"

    def divided(data):
        words = [str(data), "--from", str(hand / "small.safetensors"), "-o", str(out), *SHORT]
        assert cli.main([*words, "--checkpoint", str(tmp_path / f"{data.name}.ckpt")]) == 0
        return json.loads(sketchrnn.load(out).metadata["training"])["split"]

    assert divided(hand / "spirals.npz") == "sha256 of what they show: 90 / 10 %"
    said = capsys.readouterr().out
    assert all(" nats per point in net units" in line for line in said.splitlines()[1:-1])
    assert "nats per point in net units: {" in said.splitlines()[-1]
    main(["dataset", str(hand / "spirals.npz"), "-o", str(tmp_path / "set.npz")])
    assert divided(tmp_path / "set.npz") == "as the .npz says"
    sketchrnn.read(hand / "spirals.npz").save(tmp_path / "many.ndjson")
    lines = (tmp_path / "many.ndjson").read_text().splitlines()
    keyed = [
        json.dumps({**json.loads(x), "word": "spiral", "key_id": str(k)})
        for k, x in enumerate(lines)
    ]
    (tmp_path / "many.ndjson").write_text("\n".join(keyed))
    assert divided(tmp_path / "many.ndjson") == "sha256 of key_id: 85 / 7.5 / 7.5 %"


def test_names_to_begin_from(hand):
    pig, scale, record = begin.net_of("Pig", None, [], "spiral")
    net = sketchrnn.load("pig")
    assert scale == net.scale_factor
    assert record["file"] == "pig"
    for name, value in (("wh", pig.state_dict()), ("x", None)):
        assert name == "x" or any(v.shape[0] in (512, 2048) for v in value.values())
    from sketchrnn.train import model

    for key, array in model.folded(pig).items():
        assert np.allclose(array, net.arrays()[key])
    giraffe, _, record = begin.net_of("giraffe", None, [], "spiral")
    assert record["file"] == "giraffe"
    wanted = sketchrnn.load("everything").of("giraffe").arrays()
    for key, array in model.folded(giraffe).items():
        assert np.allclose(array, wanted[key])
    # A net of larger drawings sees these as large as its own.
    large = net.arrays()
    facts = {"name": "large", "max_len": 200, "scale_factor": 3 * net.scale_factor}
    path = hand / "large.safetensors"
    sketchrnn.from_arrays(large, **facts).save(path)
    _, scale, _ = begin.net_of(str(path), None, [], "spiral")
    assert scale == pytest.approx(net.scale_factor, rel=0.25)
