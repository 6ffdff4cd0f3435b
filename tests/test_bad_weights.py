"""Weight files that cannot be used: one WeightsError naming the field, never a crash or leak."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import tracemalloc

import broken
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sketchrnn
from sketchrnn import Net, WeightsError, _core

CORPUS = broken.files()


def read(container):
    return Net(_core.Net.from_bytes(container, "test"))


def usable(net):
    """A net that was let in must also run."""
    assert np.isfinite(net.draw(3, seed=1, max_len=10).strokes).all()
    return True


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16])
def test_the_good_one_is_good(dtype, tmp_path):
    """What the broken ones are made from loads, and gives back its numbers."""
    container = broken.good_container(dtype)
    (tmp_path / "good.safetensors").write_bytes(container)
    for net in (read(container), sketchrnn.load(tmp_path / "good.safetensors")):
        for name, array in broken.good_arrays().items():
            np.testing.assert_array_equal(net.arrays()[name], array)
        assert (net.name, net.scale_factor, net.max_len) == ("tiny", 10.0, 20)
        assert usable(net)


def test_the_good_document_is_good(tmp_path):
    (tmp_path / "tiny.gen.json").write_bytes(broken.gen())
    net = sketchrnn.load(tmp_path / "tiny.gen.json")
    step = np.float32(8 * 10 / 32767)
    np.testing.assert_allclose(net.arrays()["wh"], broken.good_arrays()["wh"] * step, rtol=1e-6)
    assert usable(net)


def test_corpus_is_what_broken_py_makes():
    kept = {path.name: path.read_bytes() for path in broken.CORPUS.iterdir()}
    assert kept == {name: contents for name, (contents, _) in CORPUS.items()}


@pytest.mark.parametrize("name", CORPUS)
def test_corpus(name):
    path = broken.CORPUS / name
    with pytest.raises(WeightsError, match="(?s)" + CORPUS[name][1]) as caught:
        sketchrnn.load(path)
    assert name in str(caught.value), "the message names the file"
    assert len(str(caught.value)) < 600
    if name.endswith(".safetensors"):
        with pytest.raises(WeightsError):
            read(path.read_bytes())


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int16])
def test_truncated_at_every_byte(dtype):
    container = broken.good_container(dtype)
    for length in range(len(container)):
        with pytest.raises(WeightsError):
            read(container[:length])


def test_truncated_public_net(shared, tmp_path):
    """A file of 5 MB cut at 60 places, those around its parts' borders among them."""
    net = sketchrnn.load(shared / "official" / "ant.gen.json")
    net.save(tmp_path / "ant.safetensors")
    data = (tmp_path / "ant.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    cuts = {0, 1, 7, 8, 9, start - 1, start, start + 1, len(data) - 2, len(data) - 1}
    cuts |= set(np.linspace(0, len(data) - 1, 50).astype(int).tolist())
    for cut in sorted(cuts):
        (tmp_path / "cut.safetensors").write_bytes(data[:cut])
        with pytest.raises(WeightsError, match=r"cut\.safetensors"):
            sketchrnn.load(tmp_path / "cut.safetensors")


def test_truncated_document(tmp_path):
    text = broken.gen()
    path = tmp_path / "cut.gen.json"
    for length in range(len(text)):
        path.write_bytes(text[:length])
        with pytest.raises(WeightsError):
            sketchrnn.load(path)


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_bytes(data):
    """Any bytes changed, cut out, put in: a net that runs, or WeightsError."""
    container = bytearray(broken.good_container())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(container)))
        drop = data.draw(st.integers(0, 8))
        container[at : at + drop] = data.draw(st.binary(max_size=8))
    try:
        net = read(bytes(container))
    except WeightsError:
        return
    if max(np.abs(array).max() for array in net.arrays().values()) < 1e3:
        assert usable(net)
    else:  # points may leave float32, which is an error too
        with contextlib.suppress(ValueError):
            net.draw(3, seed=1, max_len=10)


# What a header can hold, and what it cannot.
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["F32", "F16", "I16", "sketchrnn", "1", "[0,0,0,0,0]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_header(data):
    """Any value of the header replaced by any JSON."""
    text, blob = broken.split(broken.good_container())
    header = json.loads(text)
    for _ in range(data.draw(st.integers(1, 2))):
        place = header
        key = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
            place = place[key]
            key = data.draw(st.sampled_from(sorted(place)))
        place[key] = data.draw(_json)
    with contextlib.suppress(WeightsError):
        assert usable(read(broken.join(header, blob)))


@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_document(tmp_path_factory, data):
    document = broken.good_gen()
    place, key = document, data.draw(st.integers(0, 2))
    while isinstance(place[key], (dict, list)) and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(2)))
        if not isinstance(place, dict) and key >= len(place):
            return
    place[key] = data.draw(_json)
    path = tmp_path_factory.getbasetemp() / "mutated.gen.json"
    path.write_text(json.dumps(document), encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(WeightsError):
        assert usable(sketchrnn.load(path))


def test_weights_too_large_for_float32():
    """Finite weights whose sums are not: an error when drawing, not a crash or a NaN."""
    arrays = {name: np.full_like(a, 3e38) for name, a in broken.good_arrays().items()}
    net = read(broken.pack(arrays, name="huge", scale_factor=10.0, max_len=20))
    with pytest.raises(ValueError, match="not finite"):
        net.draw(5, seed=1)
    with pytest.raises(ValueError, match="not finite"):
        net.state(seed=1).step(0.5)


def test_not_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        sketchrnn.load(tmp_path / "nothing.safetensors")
    with pytest.raises(FileNotFoundError, match=r"nothing\.gen\.json"):
        sketchrnn.load(tmp_path / "nothing.gen.json")
    for name in ("folder.safetensors", "folder.gen.json"):
        (tmp_path / name).mkdir()
        with pytest.raises(WeightsError, match=f"{name}.*not a regular file"):
            sketchrnn.load(tmp_path / name)
    for name in ("pipe.safetensors", "pipe.gen.json"):
        os.mkfifo(tmp_path / name)  # opening one without care waits for ever
        with pytest.raises(WeightsError, match=f"{name}.*not a regular file"):
            sketchrnn.load(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    path = tmp_path / "secret.safetensors"
    path.write_bytes(broken.good_container())
    path.chmod(0)
    with pytest.raises((WeightsError, PermissionError), match="secret"):
        sketchrnn.load(path)


def test_name_that_is_not_utf8(tmp_path):
    """A path as the file system gives it, not as Unicode would like it."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/na\xefve.safetensors")
    with open(path, "wb") as file:
        file.write(broken.good_container())
    assert usable(sketchrnn.load(path))


def test_file_cut_after_loading(tmp_path):
    """The file is mapped: one that another program cuts short must not kill this one."""
    path = tmp_path / "cut.safetensors"
    big = {
        "wx": np.zeros((5, 1024), np.float32),
        "wh": np.zeros((256, 1024), np.float32),
        "b": np.zeros(1024, np.float32),
        "wo": np.zeros((256, 9), np.float32),
        "bo": np.zeros(9, np.float32),
    }
    path.write_bytes(broken.pack(big, name="cut", scale_factor=1.0, max_len=9))
    net = sketchrnn.load(path)
    os.truncate(path, 4096)
    usable(net)
    for action in (net.arrays, net.info, lambda: net.save(tmp_path / "copy.safetensors")):
        with pytest.raises(WeightsError, match=r"cut\.safetensors.*changed"):
            action()
    usable(net)


@pytest.mark.parametrize("suffix", [".safetensors", ".gen.json"])
def test_shape_of_a_broken_file(suffix):
    """trained=False takes a file's shape, and refuses what a load would refuse."""
    for name in (n for n in CORPUS if n.endswith(suffix)):
        with pytest.raises(WeightsError):
            sketchrnn.load(broken.CORPUS / name, trained=False)


def test_header_of_many_values_takes_no_memory():
    """A header is parsed into a tree some fifty times its size, so its own size has a limit."""
    header = b"[" + b"0," * 5_000_000 + b"0]"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WeightsError, match="header"):
        read(broken.join(header, b""))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000, f"{grown} KiB"


def test_failing_loads_leak_nothing():
    paths = [broken.CORPUS / name for name in CORPUS]

    def load_all(times):
        for _ in range(times):
            for path in paths:
                with pytest.raises(WeightsError):
                    sketchrnn.load(path)

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    descriptors = len(os.listdir("/proc/self/fd"))
    load_all(3)
    tracemalloc.start()
    load_all(1)
    python_before, _ = tracemalloc.get_traced_memory()
    load_all(5)
    python_after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    before = resident()
    load_all(15)
    grown = resident() - before
    assert python_after - python_before < 100_000
    # 1,900 loads: a leak of one header's text alone would be 2 MB.
    assert grown < 1_000_000, f"{grown} bytes more after {15 * len(paths)} failing loads"
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_loaded_nets_leave_nothing_behind():
    container = broken.good_container()

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    for _ in range(200):
        usable(read(container))
    before = resident()
    for _ in range(2000):
        usable(read(container))
    assert resident() - before < 1_000_000
