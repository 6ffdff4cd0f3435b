"""`sketchrnn train DATA… -o net.safetensors`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..nets.load import load
from ..nets.safetensors import DTYPES
from ..untrusted import printable
from . import data, export, output
from .batches import Augment
from .begin import FRESH, TUNING, net_of, usable

if TYPE_CHECKING:
    from .model import Net

MISSING = (
    "training needs PyTorch: pip install 'sketchrnn[train]' (for processors alone, much smaller: "
    "pip install torch --index-url https://download.pytorch.org/whl/cpu)"
)


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(
        prog="sketchrnn train",
        description="Train a net on drawings: QuickDraw ndjson (raw, dense or simplified, .gz or "
        "not) or sketch-rnn .npz, such as sketchrnn dataset makes. Each validation writes the best "
        "net so far, which can be drawn with. Ctrl-C or a kill loses nothing but the last minute: "
        "the same command goes on from the checkpoint, with more --steps if wanted.",
        epilog="example: sketchrnn train mine.npz --from pig -o mine.safetensors",
    )
    add = p.add_argument
    add("data", nargs="*", type=Path, metavar="DATA", help="files of drawings")
    add("-o", "--output", type=Path, required=True, help="the net; its suffix is the format")
    add("--objects", help="only these objects, separated by commas")
    add("--conditional", action="store_true", help="one net for all objects, told which to draw")
    add("--default-object", help="which one such a net draws when none is named (the first)")
    add("--ending", metavar="NET", help="teach this net (file or name) to end; DATA only hold it")
    add("--rounds", type=int, default=7, help="of --ending (%(default)s)")
    add(
        "--from",
        "--init",
        dest="init",
        metavar="NET",
        help="fine-tune this net: a name (of a net, or an object of the bundled net of many) or a "
        "file; what is not said is then chosen for that, and its scale factor kept",
    )
    add("--init-object", help="the object to fold in, if that net knows many")
    add("--name", help="the net's name (default: the output's)")
    add("--hidden", type=int, default=512, help="units of the LSTM (default %(default)s)")
    add("--mixtures", type=int, default=20, help="components of the mixture (%(default)s)")
    add("--max-len", type=int, default=200, help="leave out longer drawings (%(default)s)")
    add("--steps", type=int, help=f"at most so many batches {_defaults('steps')}")
    add("--batch", type=int, help=f"drawings in a batch {_defaults('batch')}")
    add("--lr", type=float, help=f"highest learning rate {_defaults('lr')}")
    add("--keep", type=float, default=0.9, help="recurrent dropout's keep probability")
    add("--weight-drop", type=float, help="dropout of recurrent weights")
    add("--output-drop", type=float, help="dropout of h before the head")
    add("--mirror", type=float, default=0.0, help="share of mirrored drawings, with --conditional")
    add("--most", type=int, default=0, help="drawings of an object in an epoch (0: all)")
    add("--scale", type=float, default=0.15, help="random scaling by 1 ± this (%(default)s)")
    add("--drop", type=float, default=0.1, help="probability of dropping a point (%(default)s)")
    add("--dither", type=float, default=0.1, help="noise on offsets, ± pixels (%(default)s)")
    add("--latent", type=int, default=0, help="numbers of a latent vector; 0: no encoder")
    add("--encoder", type=int, default=256, help="units of each of the encoder's LSTMs (256)")
    add("--w-kl", type=float, default=0.5, help="weight of the KL loss (%(default)s)")
    add("--eta-min", type=float, default=0.01, help="part of it that training begins with (0.01)")
    add("--kl-rate", type=float, default=0.99995, help="R: it nears all by this, each batch")
    add("--kl-min", type=float, default=0.2, help="KL loss that costs nothing to have (0.2)")
    add("--clip", type=float, default=1.0, help="bound of the gradient's norm (%(default)s)")
    add("--seed", type=int, default=0)
    add("--every", type=int, help=f"validate after so many batches {_defaults('every')}")
    add("--patience", type=int, help="stop after so many without improvement")
    add("--checkpoint", type=Path, help="default: the output with .ckpt")
    add("--dtype", choices=sorted(DTYPES), default="F16", help="storage (%(default)s)")
    add(
        "--bfloat16",
        action="store_true",
        help="matrix products in bfloat16, where AVX-512 or AMX make it fast",
    )
    add("--compile", action="store_true", help="fuse the cell with torch.compile (needs g++)")
    add("--threads", type=int, help="threads of PyTorch")
    return p


def _defaults(name: str) -> str:
    return f"({FRESH[name]:g}; with --from {TUNING[name]:g})"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on stderr that says what is wrong."""
    args = parser().parse_intermixed_args(argv)
    try:
        import torch
    except ImportError:
        print(f"sketchrnn train: {MISSING}", file=sys.stderr)
        return 1
    try:
        if args.threads:
            torch.set_num_threads(args.threads)
        if not args.ending and not args.data:
            raise ValueError("expected DATA to learn from, or --ending NET")
        data.look_at_folder(args.output)
        (_end if args.ending else _train)(args)
    except (OSError, ValueError, ImportError) as error:
        print(f"sketchrnn train: {printable(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the checkpoint", file=sys.stderr)
        return 130
    return 0


def _train(args: argparse.Namespace) -> None:
    import torch

    from . import latent, model
    from .loop import Run, Settings

    for name, value in (TUNING if args.init else FRESH).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.dtype == "I8" and args.conditional:
        raise ValueError("--dtype I8 is for nets of one object")
    if args.latent and args.conditional:
        raise ValueError("--latent: a latent vector says what to draw, expected no --conditional")
    finished = output.Output(args.output, args.conditional, args.dtype)
    parts, said, divided = usable(args.data, args.objects, args.max_len)
    print(said, flush=True)
    found = sorted({d.word for split in parts.values() for d in split})
    if args.default_object and args.default_object not in found:
        raise ValueError(f"no drawings of {args.default_object}")
    names = found if args.conditional else []
    words = {w: i for i, w in enumerate(names)}

    torch.manual_seed(args.seed)
    origin = None
    if args.init:
        net, scale_factor, origin = net_of(args.init, args.init_object, names, found[0])
        net = _with_encoder(net, args)
    else:
        scale_factor = data.scale_factor(parts["train"])
        net = model.Net(args.hidden, args.mixtures, len(names))
        if args.latent:
            net = latent.LatentNet(args.hidden, args.mixtures, args.encoder, args.latent)
    if args.compile and not model.compile_cells():
        print("no C++ compiler: the cell is not compiled", file=sys.stderr)
    told: dict[str, Any] = dict(
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
        most=args.most,
        augment=Augment(
            args.scale, args.drop, args.dither, args.mirror if args.conditional else 0.0
        ),
    )
    checkpoint = args.checkpoint or args.output.with_suffix(".ckpt")
    data.look_at_folder(checkpoint)
    given = parts["train"], parts["valid"], words, scale_factor, checkpoint
    run: Run
    if isinstance(net, latent.LatentNet):
        kl = {key: getattr(args, key) for key in ("w_kl", "eta_min", "kl_rate", "kl_min")}
        run = latent.LatentRun(net, latent.LatentSettings(**told, **kl), *given)
    else:
        run = Run(net, Settings(**told), *given)
    if run.step:
        print(f"continuing at step {run.step}")
    if run.done and run.step < run.settings.steps:
        print(f"no better for {run.bad} validations; a larger --patience goes on")
    written = output.Written(args, run, parts, divided, names, origin)
    finished.tried(written.packed())

    def report(o: dict[str, float]) -> None:
        _report(o)
        finished.put(written.packed())

    try:
        run.go(report)
    except KeyboardInterrupt:
        run.save()
        if run.step:
            finished.put(written.packed())
            which = "the best so far" if run.history else f"step {run.step}, not yet validated"
            print(f"\nwrote {args.output}, {which}", file=sys.stderr)
        raise
    finished.put(written.evaluated())
    losses = json.dumps(written.record["losses"])
    print(f"wrote {args.output}, nats per point in net units: {losses}")


def _end(args: argparse.Namespace) -> None:
    from . import ending, latent_ending, model

    given = load(args.ending)
    if len(given.objects) > 1:
        arrays, metadata = export.unpack(given.container)
    else:
        arrays, metadata = given.arrays(), export.facts(given)
    before = _said(metadata)
    net = model.unfolded(arrays)
    if args.compile:
        model.compile_cells()
    settings = ending.Settings(rounds=args.rounds, seed=args.seed, bfloat16=args.bfloat16)
    objects = [o.strip().replace("_", " ") for o in (args.objects or "").split(",") if o.strip()]
    checkpoint = args.checkpoint or args.output.with_suffix(".ckpt")
    real = [d for d in data.read(args.data) if d.split == "train" and len(d.rows) < args.max_len]
    teach = latent_ending.LatentEnding if given.latent_size > 0 else ending.Ending
    run = teach(net, metadata, settings, objects, real, checkpoint)
    if run.round:
        print(f"continuing after round {run.round}")
    run.go(_report_round)
    record = {
        "ending": asdict(settings),
        "part": run.part,
        "init": {"file": str(args.ending), "training": before},
    }
    metadata["training"] = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    if args.name:
        metadata["name"] = args.name
    export.write(args.output, model.tensors(run.average), metadata, args.dtype)
    print(f"wrote {args.output}")


def _said(metadata: Mapping[str, str]) -> Any:
    """The training record of a net; as it stands where it is not JSON."""
    try:
        return json.loads(metadata.get("training", "null"))
    except (ValueError, RecursionError):
        return metadata["training"]


def _report_round(o: dict[str, Any]) -> None:
    if "part" in o:
        print(f"{o['part']:.0%} of what was learnt is enough", flush=True)
        return
    ended = "  ".join(f"{t:g}: {part:.0%}" for t, part in o["ended"].items())
    print(
        f"round {o['round']}  ended at {ended}  divergence {o['divergence']:.4f} nats per point, "
        f"pressure {o['pressure']:.2f}",
        flush=True,
    )


def _report(o: dict[str, float]) -> None:
    print(
        f"step {o['step']:6.0f}  train {o['train']:.4f}  valid {o['nats']:.4f} nats per point "
        f"in net units (cell {o['cell']:.4f}, paper {o['paper']:.4f})"
        + (f"  L_R {o['paper']:.4f}  L_KL {o['kl']:.4f}" if "kl" in o else "")
        + f"  {o['seconds']:.0f} s",
        flush=True,
    )


def _with_encoder(net: Net, args: argparse.Namespace) -> Net:
    """What was given to begin with, with a new encoder where one is asked for and there is none."""
    from . import latent, model

    if not args.latent or isinstance(net, latent.LatentNet):
        return net
    return latent.begun(model.folded(net), args.encoder, args.latent, args.seed)
