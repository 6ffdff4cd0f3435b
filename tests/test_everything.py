"""The net of many objects is, for each of them, a plain net."""

import json

import numpy as np
import pytest

import sketchrnn
from sketchrnn import WeightsError
from sketchrnn.nets import safetensors as container

NAMES = ["a cat", "dog", "ice cream"]


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    plain = sketchrnn.load(trained=False, hidden_size=20, mixtures=3, seed=1).arrays()
    arrays = {key: value.astype(np.float16) for key, value in plain.items()}
    arrays["bo"][2] = -3
    arrays["embed"] = rng.normal(size=(3, 4)).astype(np.float16)
    arrays["to_b"] = rng.normal(size=(4, 80)).astype(np.float16)
    arrays["to_bo"] = rng.normal(size=(4, 21)).astype(np.float16)
    return arrays


def write(path, arrays, **facts):
    facts = {
        "format": "sketchrnn",
        "format_version": "1",
        "name": "all",
        "scale_factor": "7.5",
        "max_len": "60",
        "start_token": "[0, 0, 0, 0, 0]",
        "objects": json.dumps(NAMES),
        "default_object": "dog",
        "licence": "mine",
        **facts,
    }
    path.write_bytes(container.assemble(facts, arrays))
    return path


@pytest.mark.parametrize("precision", ["f32", "i8"])
def test_folded_is_the_plain_net(parts, tmp_path, precision):
    net = sketchrnn.load(write(tmp_path / "all.safetensors", parts), precision=precision)
    assert net.objects == tuple(NAMES)
    assert net.name == "dog"
    for k, name in enumerate(NAMES):
        plain = {key: parts[key] for key in container.ARRAYS}
        for bias, side in (("b", "to_b"), ("bo", "to_bo")):
            wide = parts[bias].astype(float) + parts["embed"][k].astype(float) @ parts[side]
            plain[bias] = wide.astype(np.float32)
        if precision == "i8":  # calibrated once, for all objects
            net.of(name).save(tmp_path / "one.safetensors")
            alone = sketchrnn.load(tmp_path / "one.safetensors", precision="i8")
            np.testing.assert_array_equal(alone.arrays()["b"], plain["b"])
        else:
            alone = sketchrnn.from_arrays(plain, scale_factor=7.5, max_len=60)
        drawn = net.draw(5, seed=3, object=name)
        assert np.array_equal(drawn.strokes, alone.draw(5, seed=3).strokes)
        assert drawn.name == name
        start = drawn[0].strokes[:1]
        start[0, 2:] = (1, 0, 0)
        assert net.complete(start, seed=3, object=name) == alone.complete(start, seed=3)
        assert np.array_equal(net.predict(start, object=name).raw, alone.predict(start).raw)
        ours = net.score(drawn, object=name).per_point
        assert ours == alone.score(drawn).per_point
        state = net.state(seed=3, object=name)
        assert np.array_equal(state.step(), alone.state(seed=3).step())
        assert net.of(name).metadata["licence"] == "mine"
    assert net.draw(seed=1) == net.draw(seed=1, object="dog")
    assert net.draw(seed=1, object="ice_cream") == net.draw(seed=1, object="ice cream")


@pytest.mark.parametrize("precision", ["f32", "i16", "i8"])
def test_an_object_for_each_drawing(parts, tmp_path, precision, isa):
    net = sketchrnn.load(write(tmp_path / "all.safetensors", parts), precision=precision)
    wanted = [NAMES[k] for k in np.random.default_rng(1).integers(0, 3, 150)]
    batch = net.draw(object=wanted, seed=3, threads=2)
    assert [sketch.name for sketch in batch] == wanted
    assert len(set(batch.lengths.tolist())) > 5, "else no lane is ever refilled by another object"
    for k in range(0, 150, 7):
        one = net.draw(seed=3, index=k, object=wanted[k])
        np.testing.assert_array_equal(batch[k].strokes, one.strokes)
    start = np.array([[3, 4, 1, 0, 0], [-2, 5, 0, 1, 0]], np.float32)
    ways = net.complete(start, 6, object=wanted[:6], seed=5, threads=2)
    for k, way in enumerate(ways):
        one = net.complete(start, seed=5, index=k, object=wanted[k])
        np.testing.assert_array_equal(way.strokes, one.strokes)
    scores = net.score(batch, object=wanted).per_drawing
    for k in (0, 1, 2, 77):
        assert scores[k] == net.score(batch[k], object=wanted[k]).per_drawing[0]
    with pytest.raises(ValueError, match="one for each of the 4 drawings, found 3"):
        net.draw(4, object=wanted[:3])
    with pytest.raises(ValueError, match="'cow'"):
        net.draw(object=["dog", "cow"])


def test_save_keeps_all_objects_and_export_one(parts, tmp_path):
    net = sketchrnn.load(write(tmp_path / "all.safetensors", parts))
    net.save(tmp_path / "again.safetensors")
    again = sketchrnn.load(tmp_path / "again.safetensors")
    assert again.objects == net.objects
    net.of("a cat").save(tmp_path / "cat.safetensors")
    cat = sketchrnn.load(tmp_path / "cat.safetensors")
    assert cat.objects == ("a cat",)
    assert cat.draw(seed=1) == net.draw(seed=1, object="a cat")
    assert cat.draw(seed=1, object="a cat") == cat.draw(seed=1)
    with pytest.raises(ValueError, match="draws 'a cat' alone, found 'dog'"):
        cat.draw(object="dog")
    for bad in ("cow", 3, ""):
        with pytest.raises(ValueError, match="object: expected one of the 3"):
            net.draw(object=bad)


def test_malformed_files(parts, tmp_path):
    path = tmp_path / "all.safetensors"
    for facts, says in (
        ({"objects": "["}, "metadata"),
        ({"objects": "3"}, "metadata|objects"),
        ({"objects": "[1, 2, 3]"}, "list of names"),
        ({"objects": '["a", "a", "b"]'}, "different names"),
        ({"default_object": "cow"}, "default object"),
        ({"scale_factor": "x"}, "metadata"),
        ({"scale_factor": "nan"}, "scale_factor"),
        ({"start_token": "7"}, "metadata"),
        ({"max_len": "-1"}, "max_len"),
    ):
        with pytest.raises(WeightsError, match=says):
            sketchrnn.load(write(path, parts, **facts))
    for key in parts:
        rest = {k: v for k, v in parts.items() if k != key}
        with pytest.raises(WeightsError):
            sketchrnn.load(write(path, rest))
    with pytest.raises(WeightsError, match=r"to_b.*finite"):
        sketchrnn.load(write(path, parts | {"to_b": parts["to_b"] * np.float16(np.inf)}))
    data = write(path, parts).read_bytes()
    for end in range(0, len(data), 97):
        path.write_bytes(data[:end])
        with pytest.raises(WeightsError):
            sketchrnn.load(path)


def test_the_bundled_one():
    net = sketchrnn.load("everything")
    assert len(net.objects) == 345
    for name in ("cat", "The Eiffel Tower", "alarm_clock"):
        sketches = net.draw(20, seed=1, object=name)
        assert sketches.name == name.replace("_", " ")
        assert (sketches.lengths > 5).mean() > 0.8
    # It is told what to draw: drawings of each are likelier as what they are than as another.
    names = ("apple", "cat", "ladder", "face")
    drawn = {name: net.draw(50, seed=1, temperature=0.5, object=name) for name in names}
    for name, sketches in drawn.items():
        nats = {told: net.score(sketches, object=told).per_point for told in names}
        assert min(nats, key=nats.get) == name, nats
