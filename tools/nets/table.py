"""The table of weights/README.md, from the records that nets carry and what was measured of them.

    python tools/nets/table.py weights/*.safetensors [--ends ends.json…] [--recognised r.json…] \\
        [--into weights/README.md]

Losses are in the files; `ends.py -o` and `recognise.py -o` write the other two. `--alone` adds the
test losses of nets that saw their object alone (`alone.py`). `--into` replaces a text's own table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ends import object_of

from sketchrnn import writing
from sketchrnn.nets.safetensors import read_metadata

START, END = "<!-- made by tools/nets/table.py -->", "<!-- end -->"
SHOWN = ("0.2", "0.3", "0.4")
Figures = Mapping[str, Mapping[str, Any]]


def natural(name: str) -> tuple[str, int]:
    """By which names are sorted: pig-64 before pig-128."""
    word = object_of(name)
    return word, int(name[len(word) + 1 :] or 0)


def row(path: Path, ends: Figures, recognised: Figures, alone: Figures) -> dict[str, float | None]:
    """One net's figures by column; None where nothing was measured."""
    header = read_metadata(path)
    facts = header["__metadata__"]
    held = json.loads(facts["training"])["losses"]
    name = facts["name"]
    found: dict[str, float | None] = {
        "units": header["wh.u" if "wh.u" in header else "wh"]["shape"][0],
        "MB": path.stat().st_size / 1e6,
        "nats, valid": held["valid"]["nats"],
        "nats, test": held["test"]["nats"],
        "cell, test": held["test"]["cell"],
        "paper, test": held["test"]["paper"],
    }
    for t in SHOWN:
        end = ends.get(name, {}).get(t)
        found[f"ended at {t}, %"] = None if end is None else 100.0 * end["ended"]
    judged = recognised.get(name, {})
    for column, key in (("recognised at 0.3, %", "0.3"), ("real, %", "real")):
        found[column] = 100.0 * judged[key]["recognised"] if key in judged else None
    found["alone, test"] = alone.get(name, {}).get("test", {}).get("nats")
    return found


def table(rows: Mapping[str, Mapping[str, float | None]], single: Sequence[str]) -> str:
    """Markdown; columns that nobody has are left out; the last row is the mean over `single`, if
    there are any."""
    columns = [c for c in next(iter(rows.values())) if any(r[c] is not None for r in rows.values())]
    means: dict[str, float | None] = {}
    for c in columns:
        values = [v for n in single if (v := rows[n][c]) is not None and c not in ("units", "MB")]
        means[c] = sum(values) / len(values) if values else None

    def line(name: str, values: Mapping[str, float | None]) -> str:
        cells = []
        for c in columns:
            v = values[c]
            digits = 0 if c.endswith("%") or c == "units" else 2 if c == "MB" else 3
            cells.append("" if v is None else f"{v:.{digits}f}")
        return f"| {name} | {' | '.join(cells)} |"

    head = [f"| net | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    body = [line(name, values) for name, values in rows.items()]
    if single:
        body.append(line("mean of the nets for one object", means))
    return "\n".join([*head, *body])


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("nets", nargs="+", type=Path)
    for name in ("ends", "recognised", "alone"):
        p.add_argument(f"--{name}", type=Path, nargs="+", default=[], help="the last has the word")
    p.add_argument("--into", type=Path, help=f"a text, between {START} and {END}")
    args = p.parse_args()
    given = [
        {k: v for path in paths for k, v in json.loads(path.read_text()).items()}
        for paths in (args.ends, args.recognised, args.alone)
    ]
    rows, single = {}, []
    size = sum(path.stat().st_size for path in args.nets) / 1e6
    for path in sorted(args.nets, key=lambda p: natural(p.name.split(".")[0])):
        header = read_metadata(path)
        if "z.w" in header:  # is asked about drawings whose vector it has seen: reconstruct.py
            continue
        facts = header["__metadata__"]
        rows[facts["name"]] = row(path, *given)
        if "objects" not in facts and object_of(facts["name"]) == facts["name"]:
            single.append(facts["name"])
    made = f"{table(rows, single)}\n\nAll files together: {size:.1f} MB.\n"
    if args.into is None:
        print(made, end="")
    else:
        text = args.into.read_text()
        first, last = text.index(START) + len(START), text.index(END)
        writing.write(args.into, f"{text[:first]}\n{made}{text[last:]}")


if __name__ == "__main__":
    main()
