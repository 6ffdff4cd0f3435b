"""One version: the C header states it, the wheel, the package and the change log agree."""

import re
from importlib import metadata
from pathlib import Path

import sketchrnn

ROOT = Path(__file__).parent.parent


def in_header():
    text = (ROOT / "csrc/include/sketchrnn/sketchrnn.h").read_text(encoding="utf-8")
    found = dict(re.findall(r"#define SKETCHRNN_VERSION_(\w+) (\d+)", text))
    return ".".join(found[part] for part in ("MAJOR", "MINOR", "PATCH"))


def test_package_and_wheel_have_the_header_s_version():
    assert sketchrnn.__version__ == in_header()
    assert metadata.version("sketchrnn") == in_header()


def test_newest_entry_of_the_change_log_is_about_it():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## (\S+)", text, re.MULTILINE)
    assert entries[0] == in_header()
