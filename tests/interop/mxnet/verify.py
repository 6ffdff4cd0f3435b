"""Loads exported nets in a real MXNet, in every way it has, and compares.  verify.py FOLDER"""

import sys
import warnings
from pathlib import Path

import mxnet as mx
import numpy as np

PARAMETERS = ("pen", "pi", "mu_x", "mu_y", "sigma_x", "sigma_y", "rho")
# Of numbers up to 1 absolutely, of larger ones relatively, in net units.
TOLERANCE = 1e-5


def compare(what, outputs, expected, rows=slice(None)):
    scale = float(expected["scale_factor"])
    worst = 0.0
    assert len(outputs) == len(PARAMETERS)
    for name, output in zip(PARAMETERS, outputs):  # noqa: B905 (Python 3.8 has no strict)
        unit = scale if name[:2] in ("mu", "si") else 1.0
        ours = expected[name][rows] / unit
        theirs = output.asnumpy() / unit
        assert theirs.shape == ours.shape, (name, theirs.shape, ours.shape)
        worst = max(worst, (np.abs(theirs - ours) / np.maximum(1, np.abs(ours))).max())
    print(f"  {what}: largest difference {worst:.1e}")
    assert worst < TOLERANCE, what


def check(stem):
    json, params = f"{stem}.json", f"{stem}.params"
    expected = np.load(f"{stem}.npz")
    data = mx.nd.array(expected["data"])
    symbol = mx.sym.load(json)
    arrays = mx.nd.load(params)
    assert symbol.list_outputs() == [f"{name}_output" for name in PARAMETERS]
    assert set(symbol.list_arguments()) == {"data"} | {key[len("arg:") :] for key in arrays}

    # The shape the file states is enough to infer all others.
    _, shapes, _ = symbol.infer_shape()
    assert shapes[0][:2] == (1, 50), shapes
    weights = {key[len("arg:") :]: value for key, value in arrays.items()}
    bound = symbol.bind(mx.cpu(), {"data": data[:1], **weights})
    compare("bind, (1, 50, 5)", bound.forward(), expected, slice(0, 1))
    bound = symbol.bind(mx.cpu(), {"data": data[:, :23], **weights})
    compare("bind, (2, 23, 5)", bound.forward(), expected, (slice(None), slice(0, 23)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants a type for data, which comes with the data
        block = mx.gluon.SymbolBlock.imports(json, ["data"], params)
    compare("gluon.SymbolBlock.imports, (2, 50, 5)", block(data), expected)

    # The way back: MXNet writes the same bytes.
    mx.nd.save(f"{stem}.again.params", arrays)
    assert Path(f"{stem}.again.params").read_bytes() == Path(params).read_bytes()
    print("  mx.nd.save writes the same bytes")


print("  MXNet", mx.__version__, "NumPy", np.__version__)
stems = sorted(path.with_suffix("") for path in Path(sys.argv[1]).glob("net*.npz"))
assert stems
for stem in stems:
    print(stem.name)
    check(stem)
