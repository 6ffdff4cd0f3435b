"""The command line: what it prints, writes and returns."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import sketchrnn
from sketchrnn.cli import main


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "sketchrnn", *arguments], capture_output=True, timeout=60, **options
    )


def test_without_arguments_it_draws(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    dots = sum(0x2800 < ord(c) < 0x2900 for c in out)
    assert dots > 20
    assert "sketchrnn -h" in err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["-h"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    for command in ("draw", "complete", "animate", "plot", "score", "convert", "list", "info"):
        assert f"    {command} " in out
    assert "examples:" in out


COMMANDS = [
    *["draw", "complete", "animate", "plot", "score", "convert"],
    *["list", "info", "export", "embed", "bench", "completion"],
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "-h"])
    assert stop.value.code == 0
    assert f"example: sketchrnn {command}" in capsys.readouterr().out


def test_list(capsys):
    assert main(["list", "--json"]) == 0
    nets = json.loads(capsys.readouterr().out)
    assert {"name", "source", "hidden_size", "available"} <= set(nets[0])
    assert {net["name"] for net in nets} == {net.name for net in sketchrnn.catalog()}
    assert main(["list"]) == 0
    assert "pig " in capsys.readouterr().out


def test_info(capsys, tmp_path):
    assert main(["info", "pig", "--json", "--diagram", str(tmp_path / "pig.svg")]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["total"] == sum(a.size for a in sketchrnn.load("pig").arrays().values())
    assert (tmp_path / "pig.svg").read_text().startswith("<svg")
    assert main(["info", "pig"]) == 0
    assert f"{info['total']:,}" in capsys.readouterr().out


def test_draw_writes_what_the_api_draws(tmp_path, capsys):
    out = tmp_path / "a.json"
    assert main(f"draw apple -n 3 -t 0.5 --seed 7 --max-len 60 -o {out}".split()) == 0
    expected = sketchrnn.load("apple").draw(3, temperature=0.5, seed=7, max_len=60)
    assert np.array_equal(sketchrnn.read(out).strokes, expected.strokes)
    assert main(f"draw apple -n 4 --seed 7 -o {tmp_path / 'a.svg'} --size 300".split()) == 0
    assert 'width="300"' in (tmp_path / "a.svg").read_text()
    assert capsys.readouterr() == ("", "")
    assert main(["draw", "apple", "--seed", "7"]) == 0
    assert "\u2800" in capsys.readouterr().out


def test_draw_to_standard_output():
    done = run("draw", "apple", "-n", "2", "--seed", "7", "-o", "-", "--format", ".ndjson")
    assert done.returncode == 0
    assert done.stderr == b""  # no progress where there is no terminal
    drawings = [json.loads(line) for line in done.stdout.splitlines()]
    assert [d["word"] for d in drawings] == ["apple", "apple"]
    svg = run("draw", "apple", "--seed", "7", "-o", "-")
    assert svg.stdout.startswith(b"<svg")


def test_complete_keeps_the_start(tmp_path):
    start = sketchrnn.load("face").draw(temperature=0.3, seed=1).strokes[:8]
    sketchrnn.Sketch(start).save(tmp_path / "start.json")
    command = ["complete", "face", str(tmp_path / "start.json"), "-n", "3", "--seed", "2"]
    assert main([*command, "-o", str(tmp_path / "out.json")]) == 0
    for sketch in sketchrnn.read(tmp_path / "out.json"):
        assert np.array_equal(sketch.strokes[:8], start)
        assert len(sketch) > 8


def test_complete_from_svg(tmp_path):
    pytest.importorskip("svgpathtools")
    (tmp_path / "eyes.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><circle cx="60" cy="60" r="50"/></svg>'
    )
    command = ["complete", "face", str(tmp_path / "eyes.svg"), "--simplify", "2", "--seed", "2"]
    assert main([*command, "-n", "2", "-o", str(tmp_path / "out.ndjson")]) == 0
    for sketch in sketchrnn.read(tmp_path / "out.ndjson"):
        circle = sketch.lines()[0]
        assert np.ptp(circle, axis=0).min() > 95


def test_animate_and_plot(tmp_path, capsys):
    assert main(f"animate duck --seed 3 -o {tmp_path / 'a.svg'}".split()) == 0
    assert "@keyframes" in (tmp_path / "a.svg").read_text()
    assert main(f"plot duck --page 100x100 --seed 3 -o {tmp_path / 'a.hpgl'}".split()) == 0
    assert (tmp_path / "a.hpgl").read_text().startswith("IN;SP1;")
    assert main(f"plot duck --seed 3 --feed 900 -o {tmp_path / 'a.nc'}".split()) == 0
    assert "F900" in (tmp_path / "a.nc").read_text()
    assert main(f"plot duck -o {tmp_path / 'a.svg'}".split()) == 1
    assert "expected a file ending in one of .hpgl" in capsys.readouterr().err
    assert main(["animate", "duck", "--seed", "3"]) == 0  # no terminal here: the finished drawing


def test_score(tmp_path, capsys):
    net = sketchrnn.load("pig")
    drawings = net.draw(6, seed=1)
    drawings.save(tmp_path / "a.json")
    assert main(["score", "pig", str(tmp_path / "a.json"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["nats_per_point"] == net.score(drawings).per_point
    assert figures["drawings"] == len(figures["per_drawing"]) == 6
    assert main(["score", "pig", str(tmp_path / "a.json"), "--limit", "2"]) == 0
    assert "drawings        2" in capsys.readouterr().out


def test_convert(tmp_path):
    drawings = sketchrnn.load("pig").draw(3, seed=1)
    drawings.save(tmp_path / "a.json")
    a, b = str(tmp_path / "a.json"), str(tmp_path / "b.npz")
    assert main(["convert", a, b, "--limit", "2"]) == 0
    assert len(sketchrnn.read(b)) == 2
    assert main(["convert", a, str(tmp_path / "c.json"), "--simplify", "4"]) == 0
    assert len(sketchrnn.read(tmp_path / "c.json").strokes) < len(drawings.strokes)


def test_export_and_bench(tmp_path, capsys):
    assert main(["export", "pig", str(tmp_path / "pig.gen.json")]) == 0
    assert sketchrnn.load(tmp_path / "pig.gen.json").hidden_size == 512
    assert main(["export", "pig", str(tmp_path / "pig.safetensors")]) == 0
    assert sketchrnn.load(tmp_path / "pig.safetensors").draw(seed=1) == sketchrnn.load("pig").draw(
        seed=1
    )
    small = sketchrnn.load(trained=False, hidden_size=8, mixtures=2, seed=1)
    small.save(tmp_path / "small.safetensors")
    command = ["bench", str(tmp_path / "small.safetensors"), "--seconds", "0.02", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["f32"]["many_points_per_second"] > 0


def test_failures_are_one_line_and_status_1(tmp_path, capsys):
    for arguments in (
        ["draw", "no such net"],
        ["draw", "pig", "-t", "-1"],
        ["draw", "pig", "-o", str(tmp_path / "a.xyz")],
        ["draw", "pig", "-o", str(tmp_path / "none" / "a.svg")],
        ["score", "pig", str(tmp_path / "none.ndjson")],
        ["complete", "pig", str(tmp_path / "none.json")],
        ["info", str(tmp_path)],
    ):
        assert main(arguments) == 1, arguments
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("sketchrnn: ")
        assert err.count("\n") == 1


def test_wrong_usage_is_status_2(capsys):
    for arguments in (["paint"], ["draw", "pig", "-n", "many"], ["completion", "tcsh"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupt_is_status_130():
    command = [sys.executable, "-m", "sketchrnn", "draw", "pig", "-n", "100000000", "-o", "-"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(1.5)  # until it draws; if it does not yet, the interrupt comes early, which is fine
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert process.returncode in (130, -signal.SIGINT), err


def test_a_reader_that_has_enough():
    script = f"{sys.executable} -m sketchrnn list --json | head -n 1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=60)
    assert done.stdout == b"[\n"
    assert done.stderr == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell, capsys):
    import shutil

    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "draw" in script
    assert "pig" in script
    if shell == "bash" and shutil.which("bash"):
        asked = (
            "COMP_WORDS=(sketchrnn draw --te); COMP_CWORD=2; _sketchrnn; echo ${COMPREPLY[@]};"
            "COMP_WORDS=(sketchrnn dr); COMP_CWORD=1; _sketchrnn; echo ${COMPREPLY[@]}"
        )
        done = subprocess.run(["bash", "-c", script + asked], capture_output=True, text=True)
        assert done.stdout.split() == ["--temperature", "draw"]
