"""What a training writes: the best net so far, in the format that the output's suffix asks for."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import writing
from ..nets import WRITTEN, format_of
from . import data, export

if TYPE_CHECKING:
    from .loop import Run


class Output:
    """A file that can be written, which is found out before anything is learnt."""

    def __init__(self, path: Path, conditional: bool, dtype: str) -> None:
        self.path, self.dtype = path, dtype
        self.format = format_of(str(path))
        if self.format is None:
            known = ", ".join(s for entry in WRITTEN.values() for s in entry.suffixes)
            raise ValueError(f"-o: expected a name ending in one of {known}, found {path}")
        if conditional and self.format != "safetensors":
            raise ValueError(f"-o: a net of many objects is a .safetensors, found {path}")
        data.look_at_folder(path)

    def tried(self, container: bytes) -> None:
        """Raise what writing this net would: a format may lack a package, or not hold such nets."""
        if self.format != "safetensors":
            from ..nets.load import opened

            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / self.path.name
                opened(container, str(self.path), "f32").export(place)

    def put(self, container: bytes) -> None:
        """Write a net, whole or not at all."""
        if self.format == "safetensors":
            writing.write(self.path, container, sync=True)
            return
        from ..nets.load import opened

        opened(container, str(self.path), "f32").export(self.path)


class Written:
    """The net of a run with its record, packed."""

    def __init__(
        self,
        args: argparse.Namespace,
        run: Run,
        parts: dict[str, list[data.Drawing]],
        divided: str,
        names: list[str],
        origin: dict[str, Any] | None,
    ) -> None:
        self.args, self.run, self.parts, self.names, self.origin = args, run, parts, names, origin
        self.divided = divided
        self.name = args.name or args.output.name.split(".")[0].replace("_", " ")
        self.record: dict[str, Any] = {}

    def packed(self) -> bytes:
        """Return the container of the best net so far, its losses those of the last validation."""
        s, run = self.run.settings, self.run
        self.record = {
            "data": [p.name for p in self.args.data],
            "objects": len(self.names) or sorted({d.word for d in self.parts["train"]}),
            "drawings": {k: len(v) for k, v in self.parts.items()},
            "split": self.divided,
            "seed": s.seed,
            "steps": run.step,
            "seconds": round(run.seconds),
            "init": self.origin,
            "settings": {k: v for k, v in vars(self.args).items() if isinstance(v, (int, float))},
            "losses": {},
        }
        last = run.history[-1] if run.history else {}
        self.record["losses"]["train"] = round(last.get("train", float("nan")), 4)
        return self._container()

    def _container(self) -> bytes:
        from . import model

        net = self.run.averaged()
        whole = bool(self.names) or hasattr(net, "latent")
        tensors: dict[str, Any] = model.tensors(net) if whole else model.folded(net)
        n_max = self.run.settings.n_max
        metadata = export.describe(self.name, self.run.scale_factor, n_max, self.record)
        if self.names:
            metadata["objects"] = json.dumps(self.names)
            metadata["default_object"] = self.args.default_object or self.names[0]
        return export.pack(tensors, metadata, self.args.dtype)

    def evaluated(self) -> bytes:
        """Return the same, evaluated as it is stored: packed once for that, and again with what it
        gave."""
        from . import model
        from .evaluate import evaluate

        stored = model.unfolded(export.unpack(self.packed())[0])
        n_max, scale = self.run.settings.n_max, self.run.scale_factor
        for split in ("valid", "test"):
            if self.parts[split]:
                o = evaluate(stored, self.parts[split], self.run.words, scale, n_max)
                kept = [k for k in ("nats", "cell", "paper", "kl") if k in o]
                losses = {k: round(o[k], 4) for k in kept}
                self.record["losses"][split] = losses
        return self._container()
