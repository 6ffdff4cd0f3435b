"""Refuses sub-interpreters, where NumPy does not work reliably and loading the core waits for ever.

Imported first, for that alone: what the core's module does when it is loaded comes too late.
"""

from importlib import import_module


def is_main() -> bool:
    """Whether this is the interpreter that the process began with."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # Python 3.13, 3.10
        try:
            interpreters = import_module(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() == interpreters.get_main())
    return True  # no module to make others with


if not is_main():
    raise ImportError(
        "sketchrnn does not work in a sub-interpreter, as NumPy does not: import it in the main "
        "one (with mod_wsgi, WSGIApplicationGroup %{GLOBAL})"
    )
