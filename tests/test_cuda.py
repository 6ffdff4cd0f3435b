"""The GPU gives what the processor gives: the same bits, the same errors.

Without a GPU these skip and say why; the kernels themselves then run on the host in
tests/cpp/cuda_emulated.cpp, and what is left here is how a machine without one behaves.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import PRECISIONS, drawing_net, raw_drawings

import sketchrnn
from sketchrnn import DeviceError, _core

CUDA = sketchrnn.devices()["cuda"]
needs_gpu = pytest.mark.skipif(not CUDA["usable"], reason=f"no GPU: {CUDA['reason']}")
SEED = 20_17
OPTIONS = {"temperature": 0.8, "max_len": 60}


def there(net, device=0):
    """The same net on a GPU."""
    core = _core.Net.from_bytes(net._core.container, net.name, net.precision, device)
    return sketchrnn.Net(core)


def same(a, b):
    return a.strokes.tobytes() == b.strokes.tobytes() and np.array_equal(a.offsets, b.offsets)


def test_devices_says_what_there_is():
    devices = sketchrnn.devices()
    assert devices["cpu"]["usable"]
    assert devices["cuda"]["usable"] or devices["cuda"]["reason"]
    found = [d for name, d in devices.items() if name.startswith("cuda:")]
    assert devices["cuda"]["usable"] == any(d["usable"] for d in found)
    assert sketchrnn.build_info()["devices"] == devices


def test_the_driver_is_left_alone_until_asked_for():
    program = (
        "import sketchrnn; sketchrnn.load().draw(seed=1);"
        "maps = open('/proc/self/maps').read(); assert 'libcuda.so' not in maps"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("/proc/self/maps is Linux's")
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.skipif(CUDA["usable"], reason="there is a GPU")
def test_without_a_gpu_the_error_says_why():
    with pytest.raises(DeviceError) as error:
        sketchrnn.load(device="cuda")
    assert CUDA["reason"] in str(error.value)
    with pytest.raises(DeviceError, match="processor"):
        sketchrnn.load().draw(3, on_device=True)


@pytest.mark.parametrize("device", ["cuda:", "cuda:x", "cuda:-1", "cuda:1.0", "gpu", "", 0, None])
def test_unknown_devices(device):
    with pytest.raises(ValueError, match="device"):
        sketchrnn.load(device=device)


@needs_gpu
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", [(1, 1), (32, 5), (100, 7), (384, 20), (512, 20), (1024, 33)])
def test_drawings(precision, shape):
    net = drawing_net(*shape, precision=precision)
    gpu = there(net)
    assert gpu.device == "cuda:0"
    assert gpu.precision == precision
    for count in (1, 2, 5, 8, 9, 100, 3000 if shape[0] <= 512 else 300):
        assert same(gpu.draw(count, seed=SEED, **OPTIONS), net.draw(count, seed=SEED, **OPTIONS))
    assert gpu.draw(0).strokes.shape == (0, 5)
    one = gpu.draw(seed=SEED, index=2**40, **OPTIONS)
    assert one.strokes.tobytes() == net.draw(seed=SEED, index=2**40, **OPTIONS).strokes.tobytes()


@needs_gpu
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("lanes", [8, 16, 32, 64])
def test_lanes(precision, lanes):
    net = drawing_net(80, 5, precision=precision)
    options = _core.DrawOptions(count=777, temperature=0.8, seed=SEED, max_len=60, lanes=lanes)
    rows, offsets = there(net)._core.draw(options, np.zeros((0, 5), np.float32))
    expected = net.draw(777, seed=SEED, **OPTIONS)
    assert rows.tobytes() == expected.strokes.tobytes()
    np.testing.assert_array_equal(offsets, expected.offsets)


@needs_gpu
def test_states_are_the_processors():
    net = drawing_net(70, 5)
    a, b = net.state(seed=3), there(net).state(seed=3)
    for _ in range(5):
        np.testing.assert_array_equal(a.step(0.7), b.step(0.7))
    np.testing.assert_array_equal(a.predict().raw, b.predict().raw)


@needs_gpu
@pytest.mark.parametrize("precision", PRECISIONS)
def test_many_objects_in_a_batch(precision):
    net = sketchrnn.load("everything", precision=precision)
    gpu = sketchrnn.load("everything", precision=precision, device="cuda")
    for count in (5, 345):
        objects = [net.objects[7 * i % len(net.objects)] for i in range(count)]
        ours = gpu.draw(object=objects, seed=SEED, **OPTIONS)
        assert same(ours, net.draw(object=objects, seed=SEED, **OPTIONS))
    scores = [n.score(ours, object=objects) for n in (net, gpu)]
    np.testing.assert_array_equal(scores[0].points, scores[1].points)


@needs_gpu
@pytest.mark.parametrize("precision", PRECISIONS)
def test_completing_and_scoring(precision):
    net = drawing_net(100, 6, precision=precision)
    gpu = there(net)
    given = net.draw(seed=5, **OPTIONS).strokes[:7]
    for count in (1, 4, 50):
        ours = gpu.complete(given, count, seed=6, **OPTIONS)
        assert same(ours, net.complete(given, count, seed=6, **OPTIONS))
    sketches = net.draw(500, seed=9, **OPTIONS)
    a, b = net.score(sketches), gpu.score(sketches)
    np.testing.assert_array_equal(a.offset_nll, b.offset_nll)
    np.testing.assert_array_equal(a.pen_nll, b.pen_nll)
    np.testing.assert_array_equal(
        gpu._core.forward(sketches.strokes, sketches.offsets, 1),
        net._core.forward(sketches.strokes, sketches.offsets, 1),
    )


@needs_gpu
@pytest.mark.parametrize("precision", PRECISIONS)
def test_public_nets(official, shared, precision):
    net = sketchrnn.load(official, precision=precision)
    gpu = sketchrnn.load(official, precision=precision, device="cuda")
    drawings = raw_drawings(shared, net.name)[:30]
    np.testing.assert_array_equal(net.score(drawings).points, gpu.score(drawings).points)
    for count in (1, 200):
        assert same(gpu.draw(count, seed=1), net.draw(count, seed=1))


@needs_gpu
def test_left_on_the_device():
    torch = pytest.importorskip("torch")
    net = drawing_net()
    strokes, offsets = there(net).draw(100, on_device=True, seed=SEED, **OPTIONS)
    expected = net.draw(100, seed=SEED, **OPTIONS)
    assert strokes.__cuda_array_interface__["shape"] == expected.strokes.shape
    rows, starts = torch.from_dlpack(strokes), torch.from_dlpack(offsets)
    del strokes, offsets  # the tensors keep the memory
    np.testing.assert_array_equal(rows.cpu().numpy(), expected.strokes)
    np.testing.assert_array_equal(starts.cpu().numpy(), expected.offsets)


@needs_gpu
def test_dlpack_does_what_it_is_asked():
    torch = pytest.importorskip("torch")
    strokes, _ = there(drawing_net()).draw(3, on_device=True, seed=SEED, **OPTIONS)
    shared, own = (torch.from_dlpack(strokes.__dlpack__(copy=copy)) for copy in (False, True))
    expected = own.clone()
    shared.zero_()
    torch.cuda.synchronize()
    assert torch.equal(own, expected)
    assert not shared.any()
    with pytest.raises(ValueError, match="stream"):
        strokes.__dlpack__(stream=0)
    with pytest.raises(BufferError, match="dl_device"):
        strokes.__dlpack__(dl_device=(1, 0))
    for stream in (None, -1, 1, 2):
        strokes.__dlpack__(stream=stream)


@needs_gpu
def test_threads_and_several_nets():
    nets = [drawing_net(64, 5, seed=s, precision=p) for s, p in enumerate(PRECISIONS)]
    gpus = [there(net) for net in nets]
    expected = [net.draw(400, seed=SEED, **OPTIONS) for net in nets]
    wrong = []

    def work(i):
        for _ in range(5):
            if not same(gpus[i % 3].draw(400, seed=SEED, **OPTIONS), expected[i % 3]):
                wrong.append(i)
            if not same(gpus[i % 3].draw(3, seed=SEED, **OPTIONS), expected[i % 3][:3]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@needs_gpu
def test_an_exception_in_progress_stops_the_kernel():
    net = drawing_net(512, 20)
    gpu = there(net)

    class Enough(Exception):
        pass

    def progress(done, total):
        raise Enough

    for count, max_len in ((2_000_000, 60), (1, 10_000_000)):
        never_ends = drawing_net_without_end(gpu) if count == 1 else gpu
        begun = time.monotonic()
        with pytest.raises(Enough):
            never_ends.draw(count, seed=1, temperature=0.8, max_len=max_len, progress=progress)
        assert time.monotonic() - begun < 20  # a hang would last for ever
    assert same(gpu.draw(20, seed=2, **OPTIONS), net.draw(20, seed=2, **OPTIONS))


def drawing_net_without_end(like):
    """A net on the GPU whose pen never ends a drawing."""
    arrays = like.arrays()
    arrays["bo"][2] = -1e4
    net = sketchrnn.from_arrays(arrays, name="endless", scale_factor=20.0, max_len=100)
    return there(net)


@needs_gpu
def test_errors():
    count = sum(name.startswith("cuda:") for name in sketchrnn.devices())
    with pytest.raises(DeviceError, match="expected cuda:0"):
        sketchrnn.load(device=f"cuda:{count}")
    gpu = there(drawing_net())
    with pytest.raises(DeviceError, match="out of memory"):
        gpu.draw(1, max_len=2**32 - 1, seed=1)
    with pytest.raises(ValueError, match="not finite"):
        gpu.draw(3, temperature=3e38, seed=1)
    with pytest.raises(ValueError, match="max_len"):
        gpu.complete(np.ones((5, 3)) * [1, 1, 0], 2, max_len=5)


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_every_way_in_takes_a_device(device):
    arrays = drawing_net().arrays()
    facts = {"scale_factor": 20.0, "max_len": 100}
    shapes = {"weight_ih_l0": (32, 5), "weight_hh_l0": (32, 8), "bias_ih_l0": 32, "bias_hh_l0": 32}
    state = {f"lstm.{key}": np.zeros(shape, np.float32) for key, shape in shapes.items()}
    state |= {"head.weight": np.zeros((9, 8), np.float32), "head.bias": np.zeros(9, np.float32)}
    if CUDA["usable"]:
        assert sketchrnn.from_arrays(arrays, device=device, **facts).device == "cuda:0"
        assert sketchrnn.from_torch(state, device=device, **facts).device == "cuda:0"
        assert sketchrnn.load("everything", device=device).of("cat").device == "cuda:0"
        return
    for call in (
        lambda: sketchrnn.from_arrays(arrays, device=device, **facts),
        lambda: sketchrnn.from_torch(state, device=device, **facts),
        lambda: sketchrnn.load("everything", device=device),
    ):
        with pytest.raises(DeviceError):
            call()


def test_the_command_takes_a_device(tmp_path, capsys):
    from sketchrnn.cli import main

    code = main(["draw", "pig", "--device", "cuda", "-n", "2", "-o", str(tmp_path / "p.json")])
    assert code == (0 if CUDA["usable"] else 1)
    if code:
        assert CUDA["reason"] in capsys.readouterr().err
