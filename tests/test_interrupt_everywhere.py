"""Ctrl-C, and a free GIL, in everything that can run long."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import child_process

import sketchrnn

# As in test_interrupt.py: 100 ms are promised, a busy machine that does not even run the child at
# once is granted another 200 ms.
LIMIT = 0.100 + 0.2

CHILD = """
import sys, threading, time
import numpy as np
import sketchrnn
from sketchrnn import _core
net = sketchrnn.load(trained=False, hidden_size=512, mixtures=20, seed=1)
long = np.tile(np.float32([[1, 0, 1, 0, 0]]), (400_000, 1))
n = np.arange(400_000.0)
# Every distance is equal but for rounding: what no bound can tell apart.
stairs = np.stack([n // 2 + n % 2, n // 2], axis=1)
# In this thread nothing looks at the time: the other one says that the work has begun, if it gets
# the GIL meanwhile.
def announce():
    time.sleep(0.2)
    print("working", flush=True)
{prepare}
threading.Thread(target=announce).start()
try:
    {work}
    print("finished", flush=True)
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
print(len(net.draw(3, seed=1)), flush=True)
"""

WORK = {
    "predict": "net.predict(long)",
    "complete": "net.complete(long, 2, seed=1, max_len=400_100)",
    "feed": "net.state().feed(long)",
    "feed on two threads": "net.state(threads=2).feed(long)",
    "score": "net.score([long], threads=1)",
    "forward": "_core_net.forward(long, np.array([0, len(long)]), 2)",
    "sample": "net.predict().sample(size=10**8, seed=1)",
    "density": "net.predict().density((np.arange(4000.0), np.arange(4000.0)))",
    "log_prob": "net.predict().log_prob(np.zeros((10**7, 2)))",
    "simplify": "sketchrnn.simplify(stairs, 0.1)",
    "simplify, quickdraw": 'sketchrnn.simplify(stairs * 10, 0.1, method="quickdraw")',
    "load i8": 'sketchrnn.load(trained=False, hidden_size=2048, seed=2, precision="i8")',
    "one long drawing": "endless.draw(seed=1, temperature=0.0, max_len=2**31)",
}
PREPARE = {
    "forward": "_core_net = net._core",
    "one long drawing": (
        "from sketchrnn.nets.safetensors import pack\n"
        "bo = np.zeros(9, np.float32); bo[0] = 9\n"
        "endless = sketchrnn.Net(_core.Net.from_bytes(pack(dict(\n"
        "    wx=np.zeros((5, 2048), np.float32), wh=np.zeros((512, 2048), np.float32),\n"
        "    b=np.zeros(2048, np.float32), wo=np.zeros((512, 9), np.float32), bo=bo),\n"
        '    name="endless", scale_factor=1.0, max_len=9), "endless"))\n'
    ),
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here")
def test_arrow_data_of_many_rows():
    """By the processor's time, so that a busy machine changes nothing: a twentieth of what one call
    takes, in which no bytecode is run."""
    rows = np.zeros((8_000_000, 5), np.float32)
    rows[:, 2] = 1
    made = sketchrnn.Sketches(rows, np.arange(0, 8_000_001, 80), "cat").__arrow_c_array__()

    def took(seconds):
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            sketchrnn._core.from_arrow(*made)
        except KeyboardInterrupt:
            pass
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        return time.process_time() - begun

    old = signal.signal(signal.SIGPROF, signal.default_int_handler)
    try:
        took(0)
        whole = took(0)
        assert took(whole / 20) < whole / 2
    finally:
        signal.signal(signal.SIGPROF, old)


@pytest.mark.parametrize("what", WORK)
def test_keyboard_interrupt(what, tmp_path, monkeypatch):
    monkeypatch.setenv("SKETCHRNN_HOME", str(tmp_path))
    code = CHILD.replace("{prepare}", PREPARE.get(what, "")).replace("{work}", WORK[what])
    with child_process(
        [sys.executable, "-c", code],
        seconds=30,  # so that a failure does not take as long as the work
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout.readline() == "working\n", child.stderr.read()
        time.sleep(0.4)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        answer = child.stdout.readline()
        assert answer, "no answer in 30 s"
        assert answer != "finished\n", "too little work for this machine: the test says nothing"
        took = float(answer) - sent
        # Not communicate(): it would miss what readline() has read ahead.
        out, err = child.stdout.read(), child.stderr.read()
        child.wait()
    assert (out, err, child.returncode) == ("3\n", "", 0)
    print(f"\ninterrupt of {what}: {1000 * took:.0f} ms")
    assert took < LIMIT, f"{1000 * took:.0f} ms"
