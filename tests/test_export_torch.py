"""Arrays and PyTorch, both ways. The LSTM is checked against torch.nn.LSTM itself."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import sketchrnn

SHARED = os.environ.get("SKETCHRNN_SHARED")


@pytest.fixture(scope="module")
def net():
    return sketchrnn.load(trained=False, hidden_size=32, mixtures=5, seed=1)


def facts(net):
    return {"scale_factor": net.scale_factor, "max_len": net.max_len, "name": net.name}


def assert_same_net(a, b):
    for key, array in a.arrays().items():
        np.testing.assert_array_equal(array, b.arrays()[key], err_msg=key)
    assert np.array_equal(
        a.draw(3, seed=1, max_len=20).strokes, b.draw(3, seed=1, max_len=20).strokes
    )


def test_arrays_there_and_back(net):
    back = sketchrnn.from_arrays(net.arrays(), **facts(net), metadata={"licence": "mine"})
    assert_same_net(net, back)
    assert back.metadata["licence"] == "mine"


def test_npz(net, tmp_path):
    net.export(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        assert json.loads(str(file["facts"]))["scale_factor"] == net.scale_factor
        back = sketchrnn.from_arrays({k: file[k] for k in file if k != "facts"}, **facts(net))
    assert_same_net(net, back)


def test_float16_arrays_keep_their_type(net):
    halves = {key: array.astype(np.float16) for key, array in net.arrays().items()}
    back = sketchrnn.from_arrays(halves, **facts(net))
    assert len(back.container) < 0.6 * len(net.container)
    for key, array in halves.items():
        np.testing.assert_array_equal(back.arrays()[key], array.astype(np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("wo"), "'wo' is missing"),
        (lambda a: a.update(w2=a["wx"]), "unexpected 'w2'"),
        (lambda a: a.update(wx=a["wx"][:4]), r'"wx".*\(5, 128\).*\(4, 128\)'),
        (lambda a: a.update(bo=a["bo"][:-1]), '"bo"'),
        (lambda a: a["wh"].__setitem__((3, 4), np.nan), '"wh".*element 388'),
        (lambda a: a.update(b=a["b"].astype(float) * 0 + 1e300), '"b".*element 0'),
    ],
)
def test_bad_arrays(net, change, message):
    arrays = net.arrays()
    change(arrays)
    with pytest.raises(sketchrnn.WeightsError, match=message):
        sketchrnn.from_arrays(arrays, **facts(net))


def test_arrays_of_something_else(net):
    arrays = net.arrays()
    arrays["b"] = arrays["b"].astype(complex)
    with pytest.raises(TypeError, match=r"'b'.*complex"):
        sketchrnn.from_arrays(arrays, **facts(net))


def drawing(net, rows=60):
    """A drawing of the net's own making that has not ended."""
    sketch = net.draw(seed=3, max_len=rows, temperature=0.5).strokes
    return sketch[:-1] if sketch[-1, 4] == 1 else sketch


def compare_with_torch_lstm(net, strokes):
    """Largest difference of torch.nn.LSTM and nn.Linear from the core, in net units."""
    torch = pytest.importorskip("torch")
    state = net.export(format="torch")
    lstm = torch.nn.LSTM(5, net.hidden_size, batch_first=True)
    head = torch.nn.Linear(net.hidden_size, 3 + 6 * net.mixtures)
    # strict: every tensor must be there, none may be left over.
    lstm.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("lstm.")})
    head.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("head.")})
    scale = np.array([net.scale_factor, net.scale_factor, 1, 1, 1], np.float32)
    x = np.vstack([np.asarray(net.start_token, np.float32), strokes / scale])[:-1]
    with torch.no_grad():
        z = head(lstm(torch.from_numpy(x)[None])[0])[0].numpy()
    ours = net._core.forward(strokes, np.array([0, len(strokes)], np.int64), 1)
    return np.abs(z - ours).max()


def test_torch_lstm_computes_the_same():
    arrays = sketchrnn.load(trained=False, hidden_size=32, mixtures=5, seed=1).arrays()
    rng = np.random.default_rng(0)
    arrays["b"] = rng.normal(0, 1, arrays["b"].shape)  # every gate's bias must be told apart
    arrays["bo"] = rng.normal(0, 1, arrays["bo"].shape)
    arrays["bo"][2] = -9
    net = sketchrnn.from_arrays(arrays, scale_factor=7.0, max_len=60, start_token=(0, 0, 1, 0, 0))
    strokes = drawing(net)
    assert len(strokes) > 30
    # Measured 7e-7: sums of 32 to 37 terms of size 1 in float32, in two orders.
    assert compare_with_torch_lstm(net, strokes) < 1e-5


@pytest.mark.skipif(not SHARED, reason="SKETCHRNN_SHARED is not set")
def test_torch_lstm_on_a_public_net():
    net = sketchrnn.load(Path(SHARED) / "official/dog.gen.json")
    assert compare_with_torch_lstm(net, drawing(net)) < 1e-5


def test_torch_there_and_back(net):
    torch = pytest.importorskip("torch")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.LSTM(5, 32)
            self.out = torch.nn.Linear(32, 33)

    model = Model()
    ours = sketchrnn.from_torch(model, scale_factor=2.0, max_len=50)
    state = ours.export(format="torch")
    theirs = model.state_dict()
    for key in ("weight_ih_l0", "weight_hh_l0"):
        assert torch.equal(state[f"lstm.{key}"], theirs[f"body.{key}"])
    assert torch.equal(state["head.weight"], theirs["out.weight"])
    assert torch.equal(state["head.bias"], theirs["out.bias"])
    both = theirs["body.bias_ih_l0"] + theirs["body.bias_hh_l0"]
    # Taking 1 away and adding it again rounds twice to float32 near 1.
    assert torch.allclose(state["lstm.bias_ih_l0"] + state["lstm.bias_hh_l0"], both, 0, 2**-23)
    assert_same_net(net, sketchrnn.from_torch(net.export(format="torch"), **facts(net)))


def test_torch_file(net, tmp_path):
    torch = pytest.importorskip("torch")
    net.export(tmp_path / "net.pt")
    state = torch.load(tmp_path / "net.pt", weights_only=True)
    assert_same_net(net, sketchrnn.from_torch(state, **facts(net)))


def plain_state(hidden=4, outputs=9):
    """What a state_dict looks like, without PyTorch."""
    return {
        "cell.weight_ih": np.zeros((4 * hidden, 5)),
        "cell.weight_hh": np.zeros((4 * hidden, hidden)),
        "cell.bias_ih": np.zeros(4 * hidden),
        "cell.bias_hh": np.arange(4.0 * hidden),
        "fc.weight": np.zeros((outputs, hidden)),
        "fc.bias": np.zeros(outputs),
    }


def test_lstm_cell_without_torch():
    net = sketchrnn.from_torch(plain_state(), scale_factor=1.0, max_len=9)
    assert net.hidden_size == 4
    assert net.mixtures == 1
    # i f g o = 0… 4… 8… 12… become i j f o, the forget gate without its 1.
    expected = [0, 1, 2, 3, 8, 9, 10, 11, 3, 4, 5, 6, 12, 13, 14, 15]
    np.testing.assert_array_equal(net.arrays()["b"], expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("cell.bias_hh"), "bias_hh"),
        (lambda s: s.update({"cell.weight_ih_l1": s["fc.bias"]}), "weight_ih_l1"),
        (lambda s: s.pop("fc.weight"), "linear"),
        (lambda s: s.update({"other.weight": s["fc.weight"]}), "other.weight"),
        (
            lambda s: s.update({"cell.weight_ih": np.zeros((16, 6))}),
            r"cell.weight_ih: expected shape \(16, 5\), found \(16, 6\)",
        ),
        (lambda s: s.update({"fc.bias": np.zeros(10)}), r"fc.weight: expected shape \(10, 4\)"),
    ],
)
def test_bad_state(change, message):
    state = plain_state()
    change(state)
    with pytest.raises(sketchrnn.WeightsError, match=message):
        sketchrnn.from_torch(state, scale_factor=1.0, max_len=9)


def test_unknown_format(net, tmp_path):
    with pytest.raises(ValueError, match=r"path: .*\.pt.*net\.what"):
        net.export(tmp_path / "net.what")
    with pytest.raises(ValueError, match=r"format: .*torch.*'what'"):
        net.export(tmp_path / "net.pt", format="what")


def test_missing_package_says_what_to_install(net, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'sketchrnn\[train\]'"):
        net.export(tmp_path / "net.pt")
