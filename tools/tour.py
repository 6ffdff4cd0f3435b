"""Runs docs/tour.md, and writes what it prints and draws into it, and the notebook docs/tour.ipynb.

    python tools/tour.py            writes
    python tools/tour.py --check    fails if anything would change

A block's output stands in a block ```text behind it, its picture (of the last line's value) in
docs/pictures/.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"

BLOCK = re.compile(
    r"```python\n(?P<code>.*?)```\n(\n```text\n.*?```\n)?(\n!\[[^\n]*\n)?", re.DOTALL
)


def run(code: str, names: dict[str, Any]) -> tuple[str, str | None]:
    """Return what a block prints, and its last expression as text or, second, as SVG."""
    tree = ast.parse(code)
    last = tree.body[-1]
    printed, picture = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(tree.body[:-1], []), "tour.md", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "tour.md", "eval"), names)
            if hasattr(value, "_repr_svg_"):
                picture = value._repr_svg_()
            elif value is not None:
                print(repr(value))
        else:
            exec(compile(tree, "tour.md", "exec"), names)
    return printed.getvalue(), picture


def main() -> int:
    check = "--check" in sys.argv[1:]
    source = (DOCS / "tour.md").read_text(encoding="utf-8")
    files: dict[Path, str] = {}
    names: dict[str, Any] = {}
    cells: list[dict[str, Any]] = []
    tour, at = [], 0
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where the blocks write
        try:
            for number, block in enumerate(BLOCK.finditer(source)):
                text, picture = run(block["code"], names)
                # The instruction set is the machine's.
                text = re.sub(r" on (portable|avx\w*|neon\w*)>", ">", text)
                tour += [source[at : block.start()], f"```python\n{block['code']}```\n"]
                cells += [
                    markdown(source[at : block.start()]),
                    python(block["code"], text, picture),
                ]
                if text:
                    tour.append(f"\n```text\n{text}```\n")
                if picture is not None:
                    name = f"pictures/tour-{number:02}.svg"
                    files[DOCS / name] = picture
                    tour.append(f"\n![What the lines above draw]({name})\n")
                at = block.end()
        finally:
            os.chdir(here)
    tour.append(source[at:])
    cells.append(markdown(source[at:]))
    files[DOCS / "tour.md"] = "".join(tour)
    notebook = {
        "cells": [
            {"id": f"c{i}", **cell} for i, cell in enumerate(c for c in cells if any(c["source"]))
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    files[DOCS / "tour.ipynb"] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    changed = [
        path
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in changed:
        print(f"{'differs' if check else 'written'}: {path}")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
    return int(check and bool(changed))


def markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.strip().splitlines(True)}


def python(code: str, text: str, picture: str | None) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    if text:
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(True)})
    if picture is not None:
        outputs.append(
            {
                "output_type": "display_data",
                "data": {"image/svg+xml": picture.splitlines(True)},
                "metadata": {},
            }
        )
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": outputs,
        "source": code.rstrip("\n").splitlines(True),
    }


if __name__ == "__main__":
    sys.exit(main())
