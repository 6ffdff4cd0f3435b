"""PyTorch, both ways: the ``state_dict`` of a module with ``lstm = nn.LSTM(5, H)`` and
``head = nn.Linear(H, 3 + 6M)``.

torch.nn.LSTM (https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html) stacks the gates
i, f, g, o as rows and adds two biases; TensorFlow's g is j, its forget gate adds 1. The head's rows
are the contract's outputs in their order; inputs are stroke-5 rows in net units.

A net with an encoder has ``encoder = nn.LSTM(5, E, bidirectional=True)``, ``mu``, ``sigma`` (of
which half the exponent is taken) = ``nn.Linear(2E, N_z)``, ``initial = nn.Linear(N_z, 2H)`` (c
first, then h, of which tanh is taken) beside ``lstm = nn.LSTM(5 + N_z, H)`` and ``head``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._extras import need
from ..writing import open_for_writing
from .npz import from_arrays

if TYPE_CHECKING:
    import torch

    from ..net import Net

_LINEAR = {
    "mu": ("mu.w", "mu.b"),
    "sigma": ("sigma.w", "sigma.b"),
    "initial": ("z.w", "z.b"),
}
_LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def state_dict(net: Net) -> dict[str, torch.Tensor]:
    """Return ``lstm.weight_ih_l0`` (4H, 5), ``lstm.weight_hh_l0`` (4H, H), ``lstm.bias_ih_l0``
    (4H,), ``lstm.bias_hh_l0`` (4H,; zeros), ``head.weight`` (3 + 6M, H), ``head.bias`` (3 + 6M,).
    """
    torch = need("torch", "train")
    arrays = net.arrays()
    rows = _lstm_rows(arrays, "", "lstm", "l0")
    linear = {"head": ("wo", "bo")}
    if net.latent_size:
        if net.metadata.get("latent_tanh") == "true":
            raise ValueError("this net applies tanh to z before its first state: no linear layer's")
        rows |= _lstm_rows(arrays, "fw.", "encoder", "l0")
        rows |= _lstm_rows(arrays, "bw.", "encoder", "l0_reverse")
        linear |= _LINEAR
    for layer, (weight, b) in linear.items():
        rows |= {f"{layer}.weight": arrays[weight].T, f"{layer}.bias": arrays[b]}
    return {key: torch.from_numpy(np.array(value, order="C")) for key, value in rows.items()}


def _lstm_rows(
    arrays: Mapping[str, NDArray[Any]], side: str, module: str, layer: str
) -> dict[str, NDArray[Any]]:
    i, j, f, o = np.split(arrays[f"{side}b"], 4)
    bias = np.concatenate([i, f + np.float32(1.0), j, o])
    return {
        f"{module}.weight_ih_{layer}": _ifgo(arrays[f"{side}wx"]).T,
        f"{module}.weight_hh_{layer}": _ifgo(arrays[f"{side}wh"]).T,
        f"{module}.bias_ih_{layer}": bias,
        f"{module}.bias_hh_{layer}": np.zeros_like(bias),
    }


def _whole(state: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a net with an encoder, from tensors named as :func:`state_dict` names them."""
    left = set(state)

    def take(key: str) -> NDArray[Any]:
        if key not in left:
            raise _core.WeightsError(f"state: {key} is missing, beside an encoder")
        left.remove(key)
        return _array(state, key)

    arrays: dict[str, Any] = {}
    for side, module, layer in (
        ("", "lstm", "l0"),
        ("fw.", "encoder", "l0"),
        ("bw.", "encoder", "l0_reverse"),
    ):
        w_ih, w_hh, b_ih, b_hh = (take(f"{module}.{part}_{layer}") for part in _LSTM)
        if w_ih.ndim != 2 or w_hh.ndim != 2 or b_ih.shape != b_hh.shape or len(b_ih) % 4:
            raise _core.WeightsError(f"state: {module}: its tensors' shapes do not agree")
        i, f, g, o = np.split(b_ih.astype(np.float64) + b_hh, 4)
        arrays[f"{side}wx"], arrays[f"{side}wh"] = _ijfo(w_ih.T), _ijfo(w_hh.T)
        arrays[f"{side}b"] = np.concatenate([i, g, f - 1.0, o])
    for layer, (weight, b) in {"head": ("wo", "bo"), **_LINEAR}.items():
        arrays[weight], arrays[b] = take(f"{layer}.weight").T, take(f"{layer}.bias")
    if left:
        raise _core.WeightsError(f"state: unexpected {sorted(left)[0]}")
    return arrays


def from_torch(
    state: Any,
    *,
    scale_factor: float,
    max_len: int,
    start_token: Sequence[float] = (0, 0, 0, 0, 0),
    name: str = "unnamed",
    metadata: Mapping[str, str] | None = None,
    precision: str = "f32",
    device: str = "cpu",
) -> Net:
    """Make a net of a PyTorch module or its ``state_dict``.

    It must hold one ``nn.LSTM(5, H)`` or ``nn.LSTMCell`` and one ``nn.Linear(H, 3 + 6M)``, under
    whatever names. The linear layer's rows must be pen logits (3), then M each of π logits, μx, μy,
    log σx, log σy, atanh ρ; the LSTM's input stroke-5 rows in net units. Other parameters are those
    of :func:`sketchrnn.from_arrays`. PyTorch itself need not be there. A net with an encoder has
    the names that ``net.export(None, "torch")`` gives it.

    Raises WeightsError (a ValueError) that names the tensor which is missing, unexpected or of the
    wrong shape.
    """
    if hasattr(state, "state_dict"):
        state = state.state_dict()
    if not isinstance(state, Mapping):
        raise TypeError(f"state: expected a module or a state_dict, found {type(state).__name__}")
    facts: dict[str, Any] = {
        "scale_factor": scale_factor,
        "max_len": max_len,
        "start_token": start_token,
        "name": name,
        "metadata": metadata,
        "precision": precision,
        "device": device,
    }
    if any(str(key).startswith("encoder.") for key in state):
        return from_arrays(_whole(state), **facts)
    lstm, head = _find(state)
    w_ih, w_hh, b_ih, b_hh = (_array(state, lstm[key]) for key in _LSTM)
    weight, bias = (_array(state, key) for key in head)
    hidden = w_hh.shape[-1]
    for key, array, shape in (
        (lstm["weight_ih"], w_ih, (4 * hidden, 5)),
        (lstm["weight_hh"], w_hh, (4 * hidden, hidden)),
        (lstm["bias_ih"], b_ih, (4 * hidden,)),
        (lstm["bias_hh"], b_hh, (4 * hidden,)),
        (head[0], weight, (len(bias), hidden)),
    ):
        if array.shape != shape:
            raise _core.WeightsError(f"{key}: expected shape {shape}, found {array.shape}")
    # In float64: the core adds the 1 again in float32, and gets back the sum rounded once.
    i, f, g, o = np.split(b_ih.astype(np.float64) + b_hh, 4)
    return from_arrays(
        {
            "wx": _ijfo(w_ih.T),
            "wh": _ijfo(w_hh.T),
            "b": np.concatenate([i, g, f - 1.0, o]),
            "wo": weight.T,
            "bo": bias,
        },
        **facts,
    )


def _swap(columns: NDArray[Any]) -> NDArray[Any]:
    a, b, c, d = np.split(columns, 4, axis=1)
    return np.concatenate([a, c, b, d], axis=1)


# i, j, f, o against i, f, g, o: the two in the middle change places, either way.
_ifgo = _ijfo = _swap


def _find(state: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, str]]:
    """The keys of the LSTM's four tensors and of the linear layer's two."""
    lstm = {}
    rest = list(state)
    for part in _LSTM:
        found = [key for key in rest if key.split(".")[-1] in (part, part + "_l0")]
        if len(found) != 1:
            raise _core.WeightsError(
                f"state: expected one tensor {part}_l0 or {part} of an LSTM with biases, "
                f"found {found or list(state)}"
            )
        lstm[part] = found[0]
        rest.remove(found[0])
    weight = [key for key in rest if key.split(".")[-1] == "weight"]
    bias = [key for key in rest if key.split(".")[-1] == "bias"]
    if len(weight) != 1 or len(bias) != 1 or len(rest) != 2:
        raise _core.WeightsError(
            f"state: expected weight and bias of one linear layer beside the LSTM, found {rest}"
        )
    return lstm, (weight[0], bias[0])


def _array(state: Mapping[str, Any], key: str) -> NDArray[Any]:
    tensor = state[key]
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":  # which NumPy does not have
            tensor = tensor.float()
        tensor = tensor.numpy()
    return np.asarray(tensor)


def write(net: Net, path: str) -> list[str]:
    """Write :func:`state_dict` with torch.save, readable with ``weights_only=True``."""
    state = state_dict(net)
    with open_for_writing(path) as file:
        need("torch", "train").save(state, file)
    return [path]
