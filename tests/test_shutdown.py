"""Processes that end, fork or have no thread to give while there is work: no abort, no hang."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

NET = """
import os, resource, sys, threading, time
import numpy as np
import sketchrnn
net = sketchrnn.load(trained=False, hidden_size=128, mixtures=5, seed=1)
rows = net.draw(200, seed=1, max_len=100)
line = np.stack([np.arange(200_000.0), np.arange(200_000) % 2 * 10.0], axis=1)
"""


def run(code, *, timeout=60, **options):
    return subprocess.run(
        [sys.executable, "-c", NET + code],
        capture_output=True,
        text=True,
        timeout=timeout,
        **options,
    )


WORK = {
    "draw": "net.draw(50_000_000, seed=1, threads=1)",
    "draw on threads": "net.draw(50_000_000, seed=1, threads=3)",
    "progress": "net.draw(50_000_000, seed=1, threads=2, progress=lambda i, n: sum(range(9999)))",
    "score": "net.score(rows)",
    "feed": "net.state().feed(np.tile([[1, 0, 1, 0, 0]], (20_000, 1)))",
    "step": "net.state(threads=2).step()",
    "simplify": "sketchrnn.simplify(line, 0.1)",
    "sample": "net.predict().sample(size=100_000)",
    "density": "net.predict().density((np.arange(200.0), np.arange(200.0)))",
    "load": "sketchrnn.load(trained=False, hidden_size=256, mixtures=5)",
}


@pytest.mark.parametrize("what", WORK)
def test_exit_while_daemon_threads_work(what):
    """Python ends a daemon thread that asks for the GIL of a finalizing interpreter by unwinding
    its stack (up to 3.13), which may neither be caught nor reach a destructor: quiet end."""
    code = f"""
def work():
    while True:
        {WORK[what]}
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
# A finalization that takes a while, so that the threads come asking in it.
class Slow:
    def __del__(self): time.sleep(0.3)
sys.slow = Slow()
"""
    for _ in range(3):
        ended = run(code)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_draw_while_finalizing():
    """The thread that finalizes may still draw, as an object's last act."""
    code = """
class Last:
    def __del__(self, net=net, row=rows[0], write=os.write):
        drawn = len(net.draw(500, seed=1, threads=2))
        write(1, b"%d %d" % (drawn, net.state(threads=2).feed(row).position > 0))
last = Last()
"""
    ended = run(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "500 1", "")


FORK = """
state = net.state(seed=3, threads=2)
def steps(state, n=20):
    out = []
    for _ in range(n):
        if state.finished:
            state.reset()
        out.append(state.step(0.4))
    return np.array(out).tobytes()
steps(state)
{between}
pid = os.fork()
mine = steps(state) + steps(state.copy())
os.write(1, mine)
if pid == 0:
    del state
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize("between", ["", "time.sleep(0.1)"], ids=["spinning", "parked"])
def test_fork_after_two_threads(between):
    """The helper thread does not come along: the child makes its own, and draws the same."""
    child = subprocess.run(
        [sys.executable, "-c", NET + FORK.format(between=between)],
        capture_output=True,
        timeout=60,
    )
    assert (child.returncode, child.stderr) == (0, b"")
    half = len(child.stdout) // 2
    assert half == 2 * 20 * 20
    assert child.stdout[:half] == child.stdout[half:]


def test_fork_while_other_threads_draw():
    """Whatever the other threads were in the middle of, the child can draw."""
    code = """
expected = net.draw(100, seed=1, threads=2).strokes.tobytes()
stop = False
def work():
    while not stop:
        net.draw(50, seed=2, threads=2)
        net.state(threads=2).step()
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(net.draw(100, seed=1, threads=2).strokes.tobytes() != expected)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for t in threads: t.join()
"""
    ended = run(code)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_thread_to_be_had():
    """Stacks larger than the address space: the system refuses every thread."""

    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 38, resource.RLIM_INFINITY))

    code = """
alone = net.draw(seed=5).strokes.tobytes()
first = net.state(seed=5).step(0.4)
resource.setrlimit(resource.RLIMIT_AS, (1 << 36, 1 << 36))
try:
    threading.Thread(target=print).start()
    sys.exit("there are threads to be had: nothing is tested")
except RuntimeError:
    pass
assert net.draw(seed=5, threads=2).strokes.tobytes() == alone
state = net.state(seed=5, threads=2)
assert (state.copy().step(0.4) == first).all()
assert (state.step(0.4) == first).all()
assert net.draw(200, seed=1, max_len=100, threads=4).strokes.tobytes() == rows.strokes.tobytes()
"""
    ended = run(code, preexec_fn=limit, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    assert (ended.returncode, ended.stderr) == (0, "")


def test_sub_interpreters_are_refused():
    """Loading the core in one waits for ever: it is not begun."""
    code = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
other = interpreters.create()
try:
    found = interpreters.run_string(other, "import sketchrnn")
    print(found)
except Exception as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "ImportError" in result.stdout, result.stderr
    assert "sketchrnn does not work in a sub-interpreter" in result.stdout
