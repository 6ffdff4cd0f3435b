"""Draws docs/nets/*.png, eight sketches of each bundled net at temperatures 0.2, 0.4 and 0.8 (of
one with an encoder what lies between drawings; of those for chips a row each), and the README's
pictures, docs/pictures/readme-*.

    python tools/pictures.py
"""

from __future__ import annotations

from pathlib import Path

import sketchrnn

ROOT = Path(__file__).parent.parent
DOCS, WEIGHTS = ROOT / "docs", ROOT / "weights"
FOLDER = DOCS / "nets"
TEMPERATURES = (0.2, 0.4, 0.8)
COLUMNS = 8


def for_chips(name: str) -> bool:
    """Whether a net has few units, which its name then says: pig-64."""
    return name.rpartition("-")[2].isdigit()


def sheet(net: sketchrnn.Net, path: Path, **options: str) -> None:
    """Draw one net's sheet, always the same sketches."""
    drawn = [
        sketch
        for temperature in TEMPERATURES
        for sketch in net.draw(COLUMNS, temperature=temperature, seed=1, **options)
    ]
    captions = [f"temperature {TEMPERATURES[i // COLUMNS]}" for i in range(len(drawn))]
    sketchrnn.Sketches.of(drawn).grid(COLUMNS, captions).save(path, size=960)


def ways(net: sketchrnn.Net, path: Path) -> None:
    """Draw what lies between drawings of the nets for one object, a row for each two."""
    objects = net.info()["training"]["objects"]
    rows = 6
    given = [
        sketchrnn.load(objects[i % len(objects)]).draw(seed=4, index=i, temperature=0.2)
        for i in range(2 * rows)
    ]
    drawn = [
        sketch
        for one, other in zip(given[::2], given[1::2], strict=True)
        for between in [net.interpolate(one, other, COLUMNS - 2, temperature=0.1, seed=1)]
        for sketch in (one, *between, other)
    ]
    captions = [("given", *[""] * (COLUMNS - 2), "given")[i % COLUMNS] for i in range(len(drawn))]
    sketchrnn.Sketches.of(drawn).grid(COLUMNS, captions).save(path, size=960)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for entry in sketchrnn.catalog():
        if entry.source != "bundled" or for_chips(entry.name):
            continue
        net = sketchrnn.load(entry.name)
        if net.latent_size > 0:
            ways(net, FOLDER / f"{entry.name}.png")
            continue
        if len(net.objects) == 1:
            sheet(net, FOLDER / f"{entry.name}.png")
            continue
        # A sample of what it knows, one of each.
        names = net.objects[::7][:48]
        drawn = [net.draw(temperature=0.4, seed=2, object=name) for name in names]
        path = FOLDER / f"{entry.name}.png"
        sketchrnn.Sketches.of(drawn).grid(COLUMNS, names).save(path, size=960)
    chips()
    readme()


def chips() -> None:
    """Draw a row of each net for chips, those in the package included."""
    paths = sorted(
        (p for p in WEIGHTS.rglob("*.safetensors") if for_chips(p.stem)),
        key=lambda p: (p.stem.rpartition("-")[0], p.stat().st_size),
    )
    drawn = [
        sketch
        for path in paths
        for sketch in sketchrnn.load(path).draw(COLUMNS, temperature=0.3, seed=1)
    ]
    captions = [paths[i // COLUMNS].stem for i in range(len(drawn))]
    sketchrnn.Sketches.of(drawn).grid(COLUMNS, captions).save(FOLDER / "chips.png", size=960)


def readme() -> None:
    """Draw a drawing drawing itself, one coloured by the order of its strokes, a distribution, and
    what lies between a cat and a pig."""
    pictures = DOCS / "pictures"
    butterfly = sketchrnn.load("butterfly").draw(seed=7, temperature=0.3)
    butterfly.save(pictures / "readme-animated.svg", size=240, animate=True)
    net = sketchrnn.load("face")
    face = net.draw(seed=1, index=2, temperature=0.2)
    face.save(pictures / "readme-order.svg", size=240, by_order=True, stroke_width=3)
    net.predict(face.strokes[:37]).save(pictures / "readme-next.svg", size=352)
    cat, pig = (
        sketchrnn.load(name).draw(seed=seed, index=index, temperature=0.3)
        for name, seed, index in (("cat", 5, 11), ("pig", 7, 17))
    )
    way = sketchrnn.load("morph").interpolate(cat, pig, 8, temperature=0.1, seed=1)
    way.grid(columns=8).save(pictures / "readme-morph.svg", size=720)


if __name__ == "__main__":
    main()
