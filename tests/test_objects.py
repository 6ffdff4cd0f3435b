"""Nets and drawings as Python objects: pickled, compared, copied, cut and joined."""

import copy
import inspect
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import get_type_hints

import numpy as np
import pytest

import sketchrnn
from sketchrnn import formats
from sketchrnn.formats.options import SaveOptions


@pytest.fixture(scope="module")
def net():
    return sketchrnn.load("pig")


@pytest.fixture(scope="module")
def pigs(net):
    return net.draw(6, seed=3)


def _drawn(task):
    net, index = task
    return net.draw(seed=3, index=index)


def test_a_pool_of_processes(net, pigs):
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        drawn = list(pool.map(_drawn, [(net, index) for index in range(6)]))
    assert sketchrnn.Sketches.of(drawn) == pigs


@pytest.mark.parametrize("precision", sketchrnn.build_info()["precisions"])
def test_nets_pickle(precision):
    net = sketchrnn.load("pig", precision=precision)
    again = pickle.loads(pickle.dumps(net))
    assert again is not net
    assert again == net
    assert hash(again) == hash(net)
    assert again.draw(3, seed=1) == net.draw(3, seed=1)
    # What a process is given again it does not make again.
    assert pickle.loads(pickle.dumps(net)) is again


def test_nets_of_one_object_pickle():
    fish = sketchrnn.load("everything").of("fish")
    again = pickle.loads(pickle.dumps(fish))
    assert again.name == "fish"
    assert again == fish
    assert again != sketchrnn.load("everything")
    assert again.draw(seed=1) == fish.draw(seed=1)


def test_nets_compare_and_copy(net):
    assert sketchrnn.load("pig") == net
    assert len({net, sketchrnn.load("pig"), sketchrnn.load("ant")}) == 2
    assert sketchrnn.load("pig", precision="i8") != net
    assert net != sketchrnn.load("ant")
    assert net != "pig"
    assert copy.copy(net) is net
    assert copy.deepcopy(net) is net


def test_drawings_pickle_compare_and_copy(pigs):
    again = pickle.loads(pickle.dumps(pigs))
    assert again == pigs
    assert again.name == "pig"
    assert pigs != pigs[:5]
    assert pigs[1:3] == pigs[[1, 2]]
    assert pigs != list(pigs)
    own = pigs.copy()
    own.strokes[0, 0] += 1
    assert own != pigs
    one = pigs[0].copy()
    one.strokes[0, 0] += 1
    assert one != pigs[0]
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError):
        hash(pigs)


def test_drawings_are_cut_and_joined(pigs):
    ants = sketchrnn.load("ant").draw(2, seed=1)
    both = pigs + ants
    assert [sketch.name for sketch in both] == ["pig"] * 6 + ["ant"] * 2
    assert both[:6] == pigs
    assert both[6:] == ants
    assert (pigs + pigs).name == "pig"
    assert both[::-1][:2] == sketchrnn.Sketches.of([ants[1], ants[0]])
    assert [sketch.name for sketch in both[::3]] == ["pig", "pig", "ant"]
    short = both[both.lengths < 80]
    assert [len(sketch) for sketch in short] == [n for n in both.lengths if n < 80]
    assert len(both[[]]) == 0
    assert both[np.array([7, 0])] == sketchrnn.Sketches.of([ants[1], pigs[0]])
    with pytest.raises(IndexError):
        both[[8]]
    with pytest.raises(IndexError):
        both[np.zeros(3, bool)]
    with pytest.raises(TypeError):
        pigs + 1
    assert [sketch.strokes.base is not None for sketch in pigs] == [True] * 6  # views
    assert list(pigs) == [pigs[i] for i in range(6)]
    assert sketchrnn.Sketches.of(list(both)).names == ["pig"] * 6 + ["ant"] * 2
    assert sketchrnn.Sketches.of(list(both), "animals").name == "animals"


def test_names_of_a_file_are_kept(pigs, tmp_path):
    both = pigs[:1] + sketchrnn.load("ant").draw(1, seed=1)
    both.save(tmp_path / "a.ndjson")
    assert [sketch.name for sketch in sketchrnn.read(tmp_path / "a.ndjson")] == ["pig", "ant"]


def test_the_name_of_a_file_is_no_drawing(net):
    with pytest.raises(TypeError, match=r"net.score\(sketchrnn.read\('file.npz'\)\)"):
        net.score("file.npz")


def test_pages_have_names(pigs, tmp_path):
    for page, size in (("a4-Landscape", (297, 210)), ("30x40", (30, 40))):
        pigs.save(tmp_path / "a.gcode", page=page)
        pigs.save(tmp_path / "b.gcode", page=size)
        assert (tmp_path / "a.gcode").read_bytes() == (tmp_path / "b.gcode").read_bytes()
    with pytest.raises(ValueError, match="page: expected WxH in mm or one of A3"):
        pigs.save(tmp_path / "a.hpgl", page="B9")


def test_options_are_those_of_the_writers():
    stated = get_type_hints(SaveOptions)
    found = {"format"}
    for name in {entry.module for entry in formats.FORMATS.values()}:
        module = formats._module(next(e for e in formats.FORMATS.values() if e.module == name))
        if hasattr(module, "write"):
            found.update(list(inspect.signature(module.write).parameters)[2:])
    assert set(stated) == found - formats._FIXED
