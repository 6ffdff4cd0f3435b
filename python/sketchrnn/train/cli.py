"""`sketchrnn train DATA… -o net.safetensors`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..formats.npz import SPLITS
from . import data, export
from .batches import Augment

if TYPE_CHECKING:
    from .loop import Run
    from .model import Net

MISSING = "training needs PyTorch: pip install 'sketchrnn[train]'"


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(
        prog="sketchrnn train",
        description="Train a net on drawings: QuickDraw ndjson (raw, dense or simplified, .gz or "
        "not) or sketch-rnn .npz. Ctrl-C or a kill loses nothing but the last minute: the same "
        "command goes on from the checkpoint.",
    )
    add = p.add_argument
    add("data", nargs="+", type=Path, metavar="DATA", help="files of drawings")
    add("-o", "--output", type=Path, required=True, help="the weights, .safetensors")
    add("--objects", help="only these objects, separated by commas")
    add("--conditional", action="store_true", help="one net for all objects, told which to draw")
    add("--default-object", help="which one such a net draws when none is named (the first)")
    add("--init", type=Path, help="start from these weights (and their scale factor)")
    add("--init-object", help="the object to fold in, if --init knows many")
    add("--name", help="the net's name (default: the output's)")
    add("--hidden", type=int, default=512, help="units of the LSTM (default %(default)s)")
    add("--mixtures", type=int, default=20, help="components of the mixture (%(default)s)")
    add("--max-len", type=int, default=200, help="leave out longer drawings (%(default)s)")
    add("--steps", type=int, default=10_000, help="at most so many batches (%(default)s)")
    add("--batch", type=int, default=128, help="drawings in a batch (%(default)s)")
    add("--lr", type=float, default=2e-3, help="highest learning rate (%(default)s)")
    add("--keep", type=float, default=0.9, help="recurrent dropout's keep probability")
    add("--weight-drop", type=float, default=0.0, help="dropout of recurrent weights")
    add("--output-drop", type=float, default=0.0, help="dropout of h before the head")
    add("--mirror", type=float, default=0.0, help="share of mirrored drawings, with --conditional")
    add("--scale", type=float, default=0.15, help="random scaling by 1 ± this (%(default)s)")
    add("--drop", type=float, default=0.1, help="probability of dropping a point (%(default)s)")
    add("--dither", type=float, default=0.1, help="noise on offsets, ± pixels (%(default)s)")
    add("--clip", type=float, default=1.0, help="bound of the gradient's norm (%(default)s)")
    add("--seed", type=int, default=0)
    add("--every", type=int, default=250, help="validate after so many batches (%(default)s)")
    add("--patience", type=int, default=10, help="stop after so many without improvement")
    add("--checkpoint", type=Path, help="default: the output with .ckpt")
    add("--dtype", choices=sorted(export.NAMES), default="F16", help="storage (%(default)s)")
    add("--bfloat16", action="store_true", help="matrix products in bfloat16 (AMX, AVX512-BF16)")
    add("--compile", action="store_true", help="fuse the cell with torch.compile (needs g++)")
    add("--threads", type=int, help="threads of PyTorch")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on stderr that says what is wrong."""
    args = parser().parse_args(argv)
    try:
        import torch
    except ImportError:
        print(f"sketchrnn train: {MISSING}", file=sys.stderr)
        return 1
    try:
        if args.threads:
            torch.set_num_threads(args.threads)
        _train(args)
    except (OSError, ValueError) as error:
        print(f"sketchrnn train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the checkpoint", file=sys.stderr)
        return 130
    return 0


def _train(args: argparse.Namespace) -> None:
    import torch

    from . import model
    from .loop import Run, Settings

    if args.dtype == "I8" and args.conditional:
        raise ValueError("--dtype I8 is for nets of one object")
    drawings = data.read(args.data)
    if args.objects:
        wanted = {w.strip().replace("_", " ") for w in args.objects.split(",")}
        missing = wanted - {d.word for d in drawings}
        if missing:
            raise ValueError(f"no drawings of {', '.join(sorted(missing))}")
        drawings = [d for d in drawings if d.word in wanted]
    if args.default_object and args.default_object not in {d.word for d in drawings}:
        raise ValueError(f"no drawings of {args.default_object}")
    drawings = [d for d in drawings if len(d.rows) < args.max_len]
    parts = {s: [d for d in drawings if d.split == s] for s in SPLITS}
    if not parts["train"] or not parts["valid"]:
        raise ValueError(f"too few drawings to train and validate: {len(drawings)}")
    names = sorted({d.word for d in drawings}) if args.conditional else []
    words = {w: i for i, w in enumerate(names)}

    torch.manual_seed(args.seed)
    if args.init:
        net, scale_factor = _init(args.init, args.init_object, names)
    else:
        scale_factor = data.scale_factor(parts["train"])
        net = model.Net(args.hidden, args.mixtures, len(names))
    if args.compile and not model.compile_cells():
        print("no C++ compiler: the cell is not compiled", file=sys.stderr)
    settings = Settings(
        steps=args.steps,
        batch=args.batch,
        lr=args.lr,
        lr_end=args.lr / 100.0,
        warmup=min(200, args.steps // 10),
        clip=args.clip,
        keep=args.keep,
        weight_drop=args.weight_drop,
        output_drop=args.output_drop,
        seed=args.seed,
        every=args.every,
        patience=args.patience,
        bfloat16=args.bfloat16,
        n_max=args.max_len,
        augment=Augment(
            args.scale, args.drop, args.dither, args.mirror if args.conditional else 0.0
        ),
    )
    checkpoint = args.checkpoint or args.output.with_suffix(".ckpt")
    run = Run(net, settings, parts["train"], parts["valid"], words, scale_factor, checkpoint)
    if run.step:
        print(f"continuing at step {run.step}")
    run.go(_report)
    _write(args, run, parts, names)


def _report(o: dict[str, float]) -> None:
    print(
        f"step {o['step']:6.0f}  train {o['train']:.4f}  valid {o['nats']:.4f} nats per point "
        f"(cell {o['cell']:.4f}, paper {o['paper']:.4f})  {o['seconds']:.0f} s",
        flush=True,
    )


def _init(path: Path, word: str | None, names: list[str]) -> tuple[Net, float]:
    from . import model

    tensors, metadata = export.read(path)
    scale_factor = float(metadata["scale_factor"])
    if "embed" not in tensors:
        if names:
            raise ValueError(f"{path} is not conditioned on objects")
        return model.unfolded(tensors), scale_factor
    known = json.loads(metadata["objects"])
    net = model.unfolded(tensors)
    if names:
        if known != names:
            raise ValueError(f"{path} knows other objects than the data has")
        return net, scale_factor
    if word is None or word not in known:
        raise ValueError(f"{path} knows {len(known)} objects: name one of them (--init-object)")
    return model.unfolded(model.folded(net, known.index(word))), scale_factor


def _origin(path: Path) -> dict[str, Any]:
    """The file that training began from, and what that file says of its own training."""
    own = json.loads(export.read(path)[1].get("training", "{}"))
    kept = ("data", "objects", "drawings", "seed", "steps", "seconds", "settings", "losses")
    return {"file": path.name, **{k: own[k] for k in kept if k in own}}


def _write(
    args: argparse.Namespace, run: Run, parts: dict[str, list[data.Drawing]], names: list[str]
) -> None:
    from . import model
    from .evaluate import evaluate

    net = run.averaged()
    tensors: dict[str, Any] = model.tensors(net) if names else model.folded(net)
    s = run.settings
    record: dict[str, Any] = {
        "data": [p.name for p in args.data],
        "objects": len(names) or sorted({d.word for d in parts["train"]}),
        "drawings": {k: len(v) for k, v in parts.items()},
        "split": "sha256 of key_id: 85 / 7.5 / 7.5 %",
        "seed": s.seed,
        "steps": run.step,
        "seconds": round(run.seconds),
        "init": _origin(args.init) if args.init else None,
        "settings": {k: v for k, v in vars(args).items() if isinstance(v, (int, float))},
    }
    last = run.history[-1] if run.history else {}
    record["losses"] = {"train": round(last.get("train", float("nan")), 4)}
    name = args.name or args.output.stem.replace("_", " ")

    def write(path: Path) -> None:
        metadata = export.describe(name, run.scale_factor, s.n_max, record)
        if names:
            metadata["objects"] = json.dumps(names)
            metadata["default_object"] = args.default_object or names[0]
        export.write(path, tensors, metadata, args.dtype)

    # Written once to be evaluated as it is stored, and again with what that gave.
    draft = args.output.with_name(f"{args.output.name}.draft")
    write(draft)
    stored = model.unfolded(export.read(draft)[0])
    for split in ("valid", "test"):
        if parts[split]:
            o = evaluate(stored, parts[split], run.words, run.scale_factor, s.n_max)
            record["losses"][split] = {k: round(o[k], 4) for k in ("nats", "cell", "paper")}
    write(args.output)
    draft.unlink()
    print(f"wrote {args.output}: {json.dumps(record['losses'])}")
