"""Back to the public nets' format; tests/interop/magenta/check.sh runs it in @magenta/sketch."""

import base64
import json

import numpy as np
import pytest
from real_drawings import NO_SHARED, SHARED

import sketchrnn

STEP = 10 / 32767


@pytest.fixture(scope="module")
def net():
    plain = sketchrnn.load(trained=False, hidden_size=16, mixtures=20, seed=1)
    return sketchrnn.from_arrays(
        plain.arrays(),
        scale_factor=60.1839,
        max_len=77,
        start_token=(0, 0, 1, 0, 0),
        name="tree",
        metadata={"training": "{}", "licence": "mine", "version": "no JSON"},
    )


def test_there_and_back(net, tmp_path):
    path = tmp_path / "tree.gen.json"
    assert net.export(path) == {str(path): path.stat().st_size}
    back = sketchrnn.load(path)
    for fact in ("name", "scale_factor", "max_len", "start_token", "hidden_size", "mixtures"):
        assert getattr(back, fact) == getattr(net, fact), fact
    assert back.metadata["licence"] == "mine"
    assert back.metadata["training"] == "{}"
    for key, array in net.arrays().items():
        # Half a step of the fixed-point numbers, and float32's rounding of numbers up to 1.
        np.testing.assert_allclose(back.arrays()[key], array, rtol=0, atol=STEP / 2 + 2**-25)
    back.export(tmp_path / "again.gen.json")
    first, again = (
        json.loads((tmp_path / name).read_text()) for name in ("tree.gen.json", "again.gen.json")
    )
    assert first[1:] == again[1:]


def test_layout(net, tmp_path):
    net.export(tmp_path / "net.gen.json")
    info, shapes, blobs = json.loads((tmp_path / "net.gen.json").read_text())
    assert info["mode"] == 2
    assert (info["name"], info["scale_factor"], info["max_seq_len"]) == ("tree", 60.1839, 77)
    assert shapes == [[16, 123], [123], [5, 64], [16, 64], [64]]
    for key, shape, blob in zip(("wo", "bo", "wx", "wh", "b"), shapes, blobs, strict=True):
        found = np.frombuffer(base64.b64decode(blob), "<i2").reshape(shape)
        np.testing.assert_array_equal(found, np.rint(net.arrays()[key] / STEP))


def test_weights_beyond_the_format(net, tmp_path):
    arrays = net.arrays()
    arrays["wx"][1, 2] = -10.001
    wide = sketchrnn.from_arrays(arrays, scale_factor=1, max_len=9)
    with pytest.raises(ValueError, match=r"'wx': element 66 is -10\.001"):
        wide.export(tmp_path / "net.gen.json")
    assert list(tmp_path.iterdir()) == []
    arrays["wx"][1, 2] = -10
    sketchrnn.from_arrays(arrays, scale_factor=1, max_len=9).export(tmp_path / "net.gen.json")
    assert sketchrnn.load(tmp_path / "net.gen.json").arrays()["wx"][1, 2] == -10


def test_other_numbers_of_components(tmp_path):
    net = sketchrnn.load(trained=False, hidden_size=4, mixtures=5)
    with pytest.raises(ValueError, match=r"mixtures: .*20.*5"):
        net.export(tmp_path / "net.gen.json")


@pytest.mark.parametrize(
    ("ours", "message"),
    [
        ([], "start_token"),
        ({"start_token": [0, 0, 1, 0], "metadata": {}}, "start_token"),
        ({"start_token": [0, 0, 1, 0, "0"], "metadata": {}}, "start_token"),
        ({"start_token": [0, 0, 1, 0, 0], "metadata": {"a": 1}}, "metadata"),
        ({"start_token": [0, 0, 1, 0, 0]}, "metadata"),
    ],
)
def test_spoilt_additions(net, tmp_path, ours, message):
    path = tmp_path / "net.gen.json"
    net.export(path)
    document = json.loads(path.read_text())
    document[0]["sketchrnn"] = ours
    path.write_text(json.dumps(document))
    with pytest.raises(sketchrnn.WeightsError, match=f"info.sketchrnn.{message}"):
        sketchrnn.load(path)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400, True, "9", None])
def test_spoilt_numbers(net, tmp_path, value):
    path = tmp_path / "net.gen.json"
    net.export(path)
    document = json.loads(path.read_text())
    document[0]["max_seq_len"] = value
    path.write_text(json.dumps(document))
    with pytest.raises(sketchrnn.WeightsError, match=r"info\.max_seq_len"):
        sketchrnn.load(path)


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
@pytest.mark.parametrize("name", ["dog", "bear"])
def test_a_public_net_comes_back_as_it_was(tmp_path, name):
    source = SHARED / f"official/{name}.gen.json"
    sketchrnn.load(source).export(tmp_path / "net.gen.json")
    before = json.loads(source.read_text())
    after = json.loads((tmp_path / "net.gen.json").read_text())
    assert after[1:] == before[1:]
    for key in ("name", "version", "max_seq_len", "scale_factor", "r_loss", "training_size"):
        assert after[0].get(key) == before[0].get(key), key
