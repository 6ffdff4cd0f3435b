"""The command line: what it prints, writes and returns."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import child_process

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
    *["list", "objects", "info", "export", "embed", "dataset", "bench", "completion"],
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
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with child_process(command, seconds=30, **output) as process:
        time.sleep(1.5)  # until it draws; if not yet, the interrupt comes early, which is fine
        process.send_signal(signal.SIGINT)
        err = process.communicate()[1]
    assert process.returncode in (130, -signal.SIGINT), err


def test_a_reader_that_has_enough():
    script = '"$0" -m sketchrnn list --json | head -n 1'
    done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, timeout=60)
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


def shell(command, **environment):
    return subprocess.run(
        ["sh", "-c", command.replace("sketchrnn", f"{shlex.quote(sys.executable)} -m sketchrnn")],
        capture_output=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_standard_streams_that_are_closed_or_full():
    for command in ("sketchrnn list", "sketchrnn draw pig -o -", "sketchrnn draw pig --seed 1"):
        done = shell(f"{command} >&-")
        assert done.returncode == 1
        assert done.stderr == b"sketchrnn: [Errno 9] standard output is closed\n"
        done = shell(f"{command} >/dev/full")
        assert done.returncode == 1
        assert done.stderr.startswith(b"sketchrnn: [Errno 28]")
        assert done.stderr.count(b"\n") == 1
    done = shell("sketchrnn list 2>&-")
    assert done.returncode == 0
    assert b"pig" in done.stdout
    done = shell("sketchrnn draw none 2>&-")  # messages never go where data goes
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_terminal_with_ascii_alone():
    for command in ("sketchrnn", "sketchrnn -h", "sketchrnn draw -h", "sketchrnn info pig"):
        done = shell(command, PYTHONIOENCODING="ascii")
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
    picture = shell("sketchrnn draw pig --seed 1", PYTHONIOENCODING="ascii").stdout
    assert picture.count(b".") > 20
    assert b"?" not in picture


def test_names_do_not_command_the_terminal(tmp_path, capsys):
    small = sketchrnn.load(trained=False, hidden_size=8, mixtures=2, seed=1).arrays()
    evil = "\x1b]0;mine\x07\x9b2J"
    net = sketchrnn.from_arrays(
        small, scale_factor=1.0, max_len=9, name=evil, metadata={"source": evil}
    )
    net.save(tmp_path / "a.safetensors")
    assert main(["info", str(tmp_path / "a.safetensors")]) == 0
    assert main(["draw", f"{evil}"]) == 1
    out, err = capsys.readouterr()
    assert "mine" in out
    assert "mine" in err
    assert not {"\x1b", "\x07", "\x9b"} & set(out + err)


def test_names_in_any_case_and_near_ones(capsys):
    assert main(["draw", "Ice Cream", "--seed", "1"]) == 0
    assert main(["draw", "Everything", "--object", "Birthday_Cake", "--seed", "1"]) == 0
    capsys.readouterr()
    for words, message in {
        ("draw", "pigg"): "no net named 'pigg'; near it: pig",
        ("draw", "cta"): "near it: cat",
        ("draw", "giraff"): "sketchrnn draw everything --object giraffe",
        ("info", "birthday cake"): 'sketchrnn draw everything --object "birthday cake"',
        ("draw", "everything", "--object", "giraf"): "near it: giraffe",
    }.items():
        assert main(list(words)) == 1
        assert message in capsys.readouterr().err


def test_objects(capsys):
    assert main(["objects"]) == 0
    assert capsys.readouterr().out.splitlines() == list(sketchrnn.load("everything").objects)
    assert main(["objects", "pig", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["pig"]
    assert main(["info", "everything"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("everything: 512 units")
    assert f"{len(sketchrnn.load('everything').objects)} (sketchrnn objects lists them)" in out


def test_a_note_where_drawings_do_not_end(capsys, monkeypatch):
    net = sketchrnn.load("pig")
    arrays = net.arrays()
    arrays["bo"][2] = -100  # it never ends
    facts = {"name": "pig", "scale_factor": net.scale_factor, "max_len": 30}
    endless = sketchrnn.from_arrays(arrays, **facts)
    monkeypatch.setattr("sketchrnn.nets.load.load", lambda *_, **__: endless)
    assert main(["draw", "pig", "-n", "3"]) == 0
    assert "3 of 3 drawings did not end within 30 rows: --softmax" in capsys.readouterr().err
    assert main(["draw", "pig", "-n", "3", "--softmax-temperature", "0.7"]) == 0
    assert "30 rows: a higher -t helps" in capsys.readouterr().err
    assert main(["draw", "pig", "--max-len", "20"]) == 0  # as asked for
    assert capsys.readouterr().err == ""


def test_pictures_as_the_api_makes_them(tmp_path, capsys):
    out = tmp_path / "a.svg"
    words = "draw pig -n 2 --seed 1 --stroke-width 5 --by-order --captions --background none"
    assert main([*words.split(), "-o", str(out)]) == 0
    sketchrnn.load("pig").draw(2, seed=1).save(
        tmp_path / "b.svg",
        stroke_width=5,
        by_order=True,
        captions=["pig", "pig"],
        background=None,
    )
    assert out.read_text() == (tmp_path / "b.svg").read_text()
    words = "draw pig --seed 1 --softmax-temperature 0.9 --color red --captions Rosa"
    assert main([*words.split(), "-o", str(out)]) == 0
    assert 'stroke="red"' in out.read_text()
    assert ">Rosa</text>" in out.read_text()
    for page, size in (("A5", (148, 210)), ("a6-Landscape", (148, 105)), ("30X40", (30, 40))):
        assert main(["plot", "pig", "--page", page, "--seed", "1", "-o", f"{out}.gcode"]) == 0
        sketchrnn.load("pig").draw(1, seed=1).save(tmp_path / "b.gcode", page=size)
        assert (tmp_path / "a.svg.gcode").read_text() == (tmp_path / "b.gcode").read_text()
    with pytest.raises(SystemExit):
        main(["plot", "pig", "--page", "B9", "-o", "x.gcode"])
    assert "expected WxH in mm or one of A3" in capsys.readouterr().err


def test_convert_several(tmp_path):
    sketchrnn.load("pig").draw(2, seed=1).save(tmp_path / "a.ndjson")
    sketchrnn.load("ant").draw(2, seed=1).save(tmp_path / "b.ndjson")
    files = [str(tmp_path / name) for name in ("a.ndjson", "b.ndjson", "c.ndjson")]
    assert main(["convert", *files, "--fit", "100"]) == 0
    both = sketchrnn.read(files[2])
    assert [sketch.name for sketch in both] == ["pig", "pig", "ant", "ant"]
    for sketch in both:
        left, top, right, bottom = sketch.bounds
        assert max(right - left, bottom - top) == pytest.approx(100, abs=0.1)


def test_options_stand_anywhere(tmp_path, capsys):
    for name in ("pig", "ant"):
        sketchrnn.load(name).draw(2, seed=1).save(tmp_path / f"{name}.ndjson")
    files = [str(tmp_path / name) for name in ("pig.ndjson", "ant.ndjson", "c.ndjson")]
    assert main(["convert", files[0], "--limit", "1", files[1], "--fit", "100", files[2]]) == 0
    assert [sketch.name for sketch in sketchrnn.read(files[2])] == ["pig", "ant"]
    assert main(["score", "pig", "--json", files[0]]) == 0
    assert json.loads(capsys.readouterr().out)["drawings"] == 2
    assert main(["draw", "pig", "-n", "2", "ant", "--seed", "1", "-o", files[2]]) == 0
    assert len(sketchrnn.read(files[2])) == 4
    with pytest.raises(SystemExit):
        main(["score", "pig", "--jsen", files[0]])
    assert "--jsen" in capsys.readouterr().err


def test_no_drawings_have_no_score(tmp_path, capsys):
    path = tmp_path / "none.ndjson"
    path.write_text("")
    for words in ([], ["--json"]):
        assert main(["score", "pig", "ant", str(path), *words]) == 1
        said = capsys.readouterr()
        assert "expected drawings to score, found none in" in said.err
        assert not said.out


def test_nets_are_ranked_in_one_unit(tmp_path, capsys):
    duck = sketchrnn.load("duck")
    drawings = duck.draw(20, seed=1, temperature=0.8)
    path = str(tmp_path / "a.json")
    drawings.save(path)
    assert main(["score", "cactus", "duck", path, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["net"], second["net"]) == ("duck", "cactus")
    score = duck.score(drawings)
    assert first["nats_per_point_data_units"] == pytest.approx(score.per_point_data)
    assert first["nats_per_point_net_units"] == score.per_point
    assert first["units"] == {"nats_per_point": "net", "r_loss": "net", "per_drawing": "net"}
    # Densities by hand: Δ/s has the density p, Δ has p/s²; end rows have none.
    moves = drawings.strokes[:, 4] == 0
    points = score.points + np.where(moves, 2 * np.log(duck.scale_factor), 0)
    assert score.per_point_data == pytest.approx(points.mean())
    # Ten times as large, and each net shown its own size: the same order, log(100) apart.
    large = sketchrnn.Sketches.of([sketch.scaled(10.0) for sketch in drawings])
    large.save(path)
    assert main(["score", "cactus", "duck", path, "--json", "--fit"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [entry["net"] for entry in again] == ["duck", "cactus"]
    assert main(["score", "cactus", "duck", path, "--fit"]) == 0
    assert "nats per point, data units" in capsys.readouterr().out


def test_complete_over_a_page(tmp_path, capsys):
    pytest.importorskip("svgpathtools")
    start = tmp_path / "s.svg"
    start.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4000 4000" width="100mm">'
        '<circle cx="2000" cy="2000" r="1500"/><text>x</text></svg>'
    )
    out = tmp_path / "o.svg"
    words = ["complete", "face", str(start), "--seed", "1"]
    assert main([*words, "-o", str(out), "--new-color", "blue"]) == 0
    assert f"sketchrnn: {start}: left out: 1 text" in capsys.readouterr().err
    assert out.read_text().startswith(start.read_text()[:-6])
    assert 'stroke="blue"' in out.read_text()
    assert main([*words, "-n", "3", "--over", "-o", str(out)]) == 0
    assert out.read_text().count("inkscape:label") == 3
    assert main([*words, "--new-only", "-o", str(tmp_path / "o.gcode")]) == 0
    with pytest.raises(SystemExit):
        main([*words, "--fit", "perhaps"])
