"""The C header that `sketchrnn embed` writes; tests/interop/c_api/check.sh compiles it."""

import ctypes
import re
import shutil
import subprocess

import pytest

import sketchrnn
from sketchrnn.cli import main
from sketchrnn.nets.c import c_header
from sketchrnn.nets.safetensors import pack


@pytest.fixture(scope="module")
def net():
    return sketchrnn.load(trained=False, hidden_size=5, mixtures=2, seed=1)


def array_in(text, symbol):
    found = re.search(
        rf"^static const unsigned char {symbol}\[(\d+)\] = {{\n(.*?)^}};", text, re.M | re.S
    )
    data = bytes(int(number) for number in found[2].replace("\n", "").rstrip(",").split(","))
    assert len(data) == int(found[1])
    return data


def test_header_holds_the_container(net):
    text = c_header(net, "my_net")
    assert array_in(text, "my_net") == net.container
    assert text.isascii()
    assert text.startswith("/*")
    assert max(map(len, text.splitlines())) <= 100


def test_main_writes_a_header_named_after_the_file(net, tmp_path):
    net.save(tmp_path / "in.safetensors")
    assert main(["embed", str(tmp_path / "in.safetensors"), "-o", str(tmp_path / "2 pigs.h")]) == 0
    assert array_in((tmp_path / "2 pigs.h").read_text(), "net_2_pigs") == net.container


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_object_file_holds_the_container(net, tmp_path):
    net.export(tmp_path / "my-net.o")
    header = (tmp_path / "my-net.h").read_text()
    assert "extern const unsigned char my_net[];" in header
    library = tmp_path / "my_net.so"
    # Without -fPIC the object may still become a library, as it holds no code.
    subprocess.run(["cc", "-shared", tmp_path / "my-net.o", "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    size = ctypes.c_size_t.in_dll(loaded, "my_net_size").value
    held = (ctypes.c_ubyte * size).in_dll(loaded, "my_net")
    assert bytes(held) == net.container


def test_object_file_needs_a_compiler(net, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(FileNotFoundError, match="C compiler"):
        net.export(tmp_path / "x.o")


def test_main_says_what_is_wrong(tmp_path, capsys):
    assert main(["embed", "no such net", "-o", str(tmp_path / "x.h")]) == 1
    assert "no such net" in capsys.readouterr().err
    assert not (tmp_path / "x.h").exists()


@pytest.mark.parametrize("symbol", ["", "2pigs", "a-b", "a b", "ä", "x\n"])
def test_symbol_must_be_a_c_identifier(net, symbol):
    with pytest.raises(ValueError, match="symbol"):
        c_header(net, symbol)


def test_suffix_must_be_h(net, tmp_path):
    with pytest.raises(ValueError, match=r"\.h"):
        net.export(tmp_path / "x.txt", "c")


def test_a_name_cannot_end_the_comment():
    container = pack(
        sketchrnn.load(trained=False, hidden_size=2, mixtures=1).arrays(),
        name="*/ #error ü ??/",
        scale_factor=1.0,
        max_len=10,
    )
    net = sketchrnn.Net(sketchrnn._core.Net.from_bytes(container, "test"))
    text = c_header(net, "x")
    assert text.index("*/") > text.index("Written by")
    assert text.isascii()
