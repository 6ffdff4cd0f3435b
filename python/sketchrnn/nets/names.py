"""Names of nets and objects as people write them: in any case, with spaces or "_", with a letter
wrong."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable

from .catalog import bundled_path, catalog
from .safetensors import read_metadata

MANY = "everything"
"""The bundled net of many objects."""


def plain(name: str) -> str:
    """Return a name as names are compared."""
    return name.strip().replace("_", " ").lower()


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names that are much like `name`, the most like first."""
    shown = {plain(one): one for one in known}
    # Of three letters two exchanged ("cta") leave two thirds.
    return [shown[one] for one in difflib.get_close_matches(plain(name), shown, 3, 0.66)]


def perhaps(name: str, known: Iterable[str]) -> str:
    """Return the words that offer near matches, nothing where there are none."""
    found = near(name, known)
    return f"; near it: {', '.join(found)}" if found else ""


@functools.cache
def objects() -> tuple[str, ...]:
    """What the bundled net of many objects can draw."""
    path = bundled_path(MANY)
    facts = {} if path is None else read_metadata(path)["__metadata__"]
    return tuple(json.loads(facts.get("objects", "[]")))


def instead(name: str) -> str:
    """Return the words for how the net of many objects draws what `name` says; "" if it cannot."""
    object = next((one for one in objects() if plain(one) == plain(name)), None)
    if object is None:
        return ""
    quoted = f'"{object}"' if " " in object else object
    return (
        f"{MANY}, which is in the package, draws it: load({MANY!r}).of({object!r}), "
        f"in a terminal sketchrnn draw {MANY} --object {quoted}"
    )


def no_such_net(name: str) -> str:
    """Return the message for a name that is none of a net."""
    if other := instead(name):
        return f"no net named {name!r}; {other}"
    entries = catalog()
    like = near(name, (entry.name for entry in entries))
    if like:
        return f"no net named {name!r}; near it: {', '.join(like)}"
    known = near(name, objects())
    if known:
        return f"no net named {name!r}; {instead(known[0])}"
    bundled = ", ".join(entry.name for entry in entries if entry.source == "bundled")
    return (
        f"no net named {name!r}; in the package: {bundled}; the public ones: sketchrnn.catalog(), "
        "or in a terminal sketchrnn list"
    )
