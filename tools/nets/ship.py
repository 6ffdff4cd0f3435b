"""Takes finished additions into weights/, each in the place of a net that it is better than.

    python tools/nets/ship.py FAMILY --corpus corpus.npz [--judge judge.pt] [--weights weights]

An addition is taken if its drawings end, or more of them than before, and if it is better on the
held-out drawings of its object than what weights/ has of that name, or little worse where more end,
they are no longer too long, or more are recognised: an earlier addition, or a net that stands
alone, which is then deleted. Both are measured here, on the same drawings: those of the first nets
for such a net, else those of every source.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import ends
import judge
import numpy as np

import sketchrnn
from sketchrnn.train import data

SUFFIX = ".addition.safetensors"
ENOUGH = 0.99
"""Of drawings at each temperature, and of held-out ones completed from half, on average."""

LONGEST = 1.15
"""Times the median of real drawings: the median length should not be more, at any temperature."""

MOST_LOST = 0.01
"""Nats a point for drawings that end, or are recognised: what the teaching may cost at most."""

CLEARER = 0.02
"""Of drawings, so many more that are recognised at τ = 0.3 are not chance."""

KNOWN = 0.85
"""Of the share of real drawings that is recognised. Below it nets do not draw what they should,"""

MOST_LOST_NEEDED = 0.03
"""and this may be lost for more of it, as for shorter drawings where they were too long: chairs and
monkeys, the dearest, cost 0.023 and 0.022."""


def nats(net: sketchrnn.Net, real: Sequence[ends.Rows]) -> float:
    """Per point of real drawings."""
    return net.score(list(real)).per_point


def ended(net: sketchrnn.Net, real: Sequence[ends.Rows], count: int) -> tuple[float, float]:
    """The smallest share that ended by itself, of all temperatures and kinds, and the longest
    median length over that of real ones."""
    found = ends.measure(net, real, count).values()
    return min(f["ended"] for f in found), max(f["length"] for f in found)


def recognised(net: sketchrnn.Net, asked: judge.Asked | None, count: int) -> float:
    """The share of its drawings at τ = 0.3 that a judge calls what they are; 0 without one."""
    if asked is None:
        return 0.0
    drawn = [s.stroke3 for s in net.draw(count, temperature=0.3, seed=1)]
    return judge.called(asked, drawn, [{net.name}] * len(drawn))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("family", type=Path, help="folder of additions")
    p.add_argument("--corpus", type=Path, required=True, help="what corpus.py wrote")
    p.add_argument("--judge", type=Path, help="what judge.py wrote")
    p.add_argument("--weights", type=Path, default=Path("weights"))
    p.add_argument("--count", type=int, default=200)
    args = p.parse_args()
    corpus = data.load_cache(args.corpus)
    asked = judge.load(args.judge) if args.judge else None
    for path in sorted(args.family.glob(f"*{SUFFIX}")):
        target = args.weights / path.name
        if target.exists() and target.read_bytes() == path.read_bytes():
            continue
        net = sketchrnn.load(path)
        held = [d for d in corpus if d.word == net.name and d.split != "train"]
        first = [d for d in held if "src" not in d.facts]
        own = args.weights / path.name.replace(SUFFIX, ".safetensors")
        chosen = [d.rows.astype(np.float32) for d in (first if own.exists() else held)]
        real = ends.held_out(corpus, net.name)
        before, least, longest, known = np.inf, 0.0, 0.0, 0.0
        for old in (target, own):
            if old.exists():
                was = sketchrnn.load(old)
                before, (least, longest) = nats(was, chosen), ended(was, real, args.count)
                known = recognised(was, asked, args.count)
        after, (share, length) = nats(net, chosen), ended(net, real, args.count)
        now = recognised(net, asked, args.count)
        more = share > least
        clearer, needed = now > known + CLEARER, length < longest and longest > LONGEST
        if asked and clearer:
            people = judge.called(asked, real, [{net.name}] * len(real))
            needed |= known < KNOWN * people
        bears = MOST_LOST_NEEDED if needed else MOST_LOST if more or clearer else 0.0
        taken = (share >= ENOUGH or more) and after < before + bears
        # Nothing but the record differs, where a lesson was not needed.
        taken |= (after, share, length) == (before, least, longest)
        print(
            f"{net.name:14} {before:.4f} -> {after:.4f} of {len(chosen)} drawings, ended "
            f"{least:.1%} -> {share:.1%} at least, {longest:.2f} -> {length:.2f} times as "
            f"long at most, recognised {known:.0%} -> {now:.0%}: "
            f"{'taken' if taken else 'left'}",
            flush=True,
        )
        if taken:
            shutil.copyfile(path, target)
            own.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
