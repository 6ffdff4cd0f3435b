"""What mkdocs is told beyond mkdocs.yml: pages that stand outside of docs/, links to them, and the
command's own help. Called by mkdocs (https://www.mkdocs.org/user-guide/configuration/#hooks)."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

OUTSIDE = {
    "README.md": "index.md",
    "weights/README.md": "nets-in-the-package.md",
    "weights/chips/README.md": "nets-for-chips.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files of the project that are pages of the site, by what they are there."""

_ROLE = re.compile(r":(?:func|meth|class|data|attr|mod):<code>(?:~)?")
_LINK = re.compile(r'(\[[^\]\n]*\]\(|src=")([^)"#\s:]+)(#[^)"\s]*)?([)"])')


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from outside."""
    from mkdocs.structure.files import File

    for source, page in OUTSIDE.items():
        text = _linked((ROOT / source).read_text(encoding="utf-8"), Path(source), page)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead links out of docs/ to where they are on the site, and put in what programs say."""
    source = page.file.src_uri
    if source not in OUTSIDE.values():
        markdown = _linked(markdown, Path("docs") / source, source)
    return re.sub(r"<!-- sketchrnn ([\w -]*)-->", lambda m: _help(m[1].split()), markdown)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Show what docstrings refer to by name as that name."""
    return _ROLE.sub("<code>", html)


def _linked(text: str, source: Path, page: str) -> str:
    """The text of `source` with links as `page` must have them; what is no page becomes a text."""

    def link(match: re.Match[str]) -> str:
        target = os.path.normpath(source.parent / match[2])
        if target in OUTSIDE:
            inside = OUTSIDE[target]
        elif not (ROOT / target).exists():  # mkdocs itself looks at no <img src="…">
            raise SystemExit(f"{source}: the link {match[2]} leads nowhere")
        elif target.startswith("docs/") and not (ROOT / target).is_dir():
            inside = target.removeprefix("docs/")
        else:  # a file of the sources, or a folder
            return match[1].strip("[(").removesuffix("](").removesuffix("]")
        way = os.path.relpath(inside, Path(page).parent)
        return f"{match[1]}{way}{match[3] or ''}{match[4]}"

    return _LINK.sub(link, text)


def _help(words: list[str]) -> str:
    """What the command prints with -h."""
    from sketchrnn.cli import parser
    from sketchrnn.train.cli import parser as train

    os.environ["COLUMNS"] = "100"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        (train() if words == ["train"] else parser()).parse_args(
            ["-h"] if words == ["train"] else [*words, "-h"]
        )
    return f"```text\n{printed.getvalue()}```"
