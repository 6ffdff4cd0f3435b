"""Makes forty SVGs of one hand, as Inkscape saves them: layers with transforms, curves, a hidden
layer of guides, an eye in <defs> that <use> shows twice. Faces, in millimetres of an A4 page; the
hand likes round eyes, high brows and a ring in one ear.

    python hand.py FOLDER
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

PAGE = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:svg="http://www.w3.org/2000/svg"
   xmlns:xlink="http://www.w3.org/1999/xlink"
   xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
   width="210mm" height="297mm" viewBox="0 0 210 297" version="1.1">
  <defs id="defs1"><path id="eye" d="{eye}" style="fill:none;stroke:#000;stroke-width:0.8"/></defs>
  <g inkscape:groupmode="layer" inkscape:label="Guides" style="display:none">
    <path d="M 0,148.5 H 210" style="stroke:#0af"/><path d="M 105,0 V 297" style="stroke:#0af"/>
  </g>
  <g inkscape:groupmode="layer" inkscape:label="Head" transform="{place}">
    <path d="{head}" style="fill:none;stroke:#000;stroke-width:0.8"/>
  </g>
  <g inkscape:groupmode="layer" inkscape:label="Face" transform="{place}">
    <use xlink:href="#eye" x="-{apart}" y="-{up}"/><use xlink:href="#eye" x="{apart}" y="-{up}"/>
    {rest}
  </g>
  <text x="10" y="290" style="font-size:4px">Nr. {number}</text>
</svg>
"""


def ring(random: random.Random, width: float, height: float) -> str:
    """A closed curve through eight places that tremble, as cubic Bézier pieces."""
    turn = random.uniform(-0.2, 0.2) - math.pi / 2
    places = []
    for k in range(8):
        angle = turn + k * math.pi / 4
        tremble = random.uniform(0.96, 1.04)
        places.append((width * tremble * math.cos(angle), height * tremble * math.sin(angle)))
    data = "M {:.3f},{:.3f}".format(*places[0])
    for k in range(8):
        before, here = places[k - 1], places[k]
        there, after = places[(k + 1) % 8], places[(k + 2) % 8]
        # Catmull and Rom's curve as Bézier's: a sixth of the way between the neighbours.
        first = [here[d] + (there[d] - before[d]) / 6 for d in (0, 1)]
        second = [there[d] - (after[d] - here[d]) / 6 for d in (0, 1)]
        data += " C {:.3f},{:.3f} {:.3f},{:.3f} {:.3f},{:.3f}".format(*first, *second, *there)
    return data + " Z"


def face(number: int, whole: bool) -> str:
    """One page; `whole` False leaves out what comes after the eyes."""
    r = random.Random(number)
    width, height = r.uniform(45, 60), r.uniform(50, 65)
    brow, mouth = r.uniform(8, 12), r.uniform(18, 28)
    apart, up = r.uniform(16, 22), r.uniform(8, 16)
    rest = [
        f'<path d="m {side * apart - 7:.2f},{-up - brow:.2f} q 7,-{r.uniform(4, 8):.2f} 14,0"/>'
        for side in (-1, 1)
    ]
    rest.append(f'<path d="m 0,-4 c -{r.uniform(3, 6):.2f},12 -4,16 3,15"/>')
    rest.append(
        f'<path d="m {-mouth:.2f},22 c 6,{r.uniform(14, 22):.2f} {2 * mouth - 6:.2f},16 '
        f'{2 * mouth:.2f},0"/>'
    )
    ear = f"M {width + 2:.2f},12 c 4,0 4,6 0,6 -4,0 -4,-6 0,-6 z"
    rest.append(f'<g transform="scale(-1,1)"><path d="{ear}"/></g>')
    return PAGE.format(
        eye=ring(r, 5, 5.5),
        place=f"translate({r.uniform(90, 120):.2f},{r.uniform(110, 170):.2f}) "
        f"rotate({r.uniform(-8, 8):.2f})",
        head=ring(r, width, height),
        apart=f"{apart:.2f}",
        up=f"{up:.2f}",
        rest="\n    ".join(rest) if whole else "",
        number=number,
    )


def main() -> None:
    folder = Path(sys.argv[1])
    for name, whole in (("faces", True), ("starts", False)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(40):
            path = folder / name / f"face {number:02}.svg"
            path.write_text(face(number, whole), "utf-8")


if __name__ == "__main__":
    main()
