"""What every page is made of: the shell, a room of it for each kind of work, and ONNX Runtime for browsers.

A page is one file. Its content security policy allows no connection to anywhere: scripts and styles are named by their
hashes. What it knows stands in it as JSON, "facts", and as bytes, each in an element of its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from zoo._version import __version__
from zoo.errors import ZooError
from zoo.export._network import Agreement
from zoo.visualization.pages import MARK

PARTS = Path(__file__).parent / "page"
SHELL = ("words.js", "stored.js", "elements.js", "download.js", "waiting.js", "runtime.js", "shell.js")


class Room(NamedTuple):
    """What a page for one kind of work has: `NAME.html`, `NAME.css` and `NAME.js`, and what that script needs.

    Attributes:
        name: of these.
        scripts: each after those that it needs.
        styles: that it shares with other rooms.
    """

    name: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...] = ()


class PageContent(NamedTuple):
    """What stands in one page.

    Attributes:
        room: for its kind of work.
        facts: what its script reads.
        parts: its networks and other bytes, by the name of their element.
        agreement: how far its networks answer as the model does.
    """

    room: Room
    facts: dict
    parts: dict[str, bytes]
    agreement: Agreement


class Runtime(NamedTuple):
    """ONNX Runtime for browsers.

    Attributes:
        scripts: what the page runs before its own script.
        wasm: its WebAssembly, deflated.
    """

    scripts: list[str]
    wasm: bytes


@cache
def read_runtime() -> Runtime:
    """The runtime that comes with the zoo; `page/runtime.json` says where it is from.

    Raises:
        ZooError: a file is damaged.
    """
    facts = json.loads((PARTS / "runtime.json").read_text(encoding="utf-8"))
    script, loader, wasm = facts["sha256"]
    files = {name: (PARTS / name).read_bytes() for name in (script, loader)}
    deflated = (PARTS / f"{wasm}.deflate").read_bytes()
    try:
        files[wasm] = zlib.decompress(deflated, -zlib.MAX_WBITS)
    except zlib.error:
        files[wasm] = b""
    if facts["sha256"] != {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}:
        raise ZooError(f"the files of {facts['package']} in {PARTS} are damaged; install the zoo again")
    return Runtime([as_global(files[loader].decode()), as_global(files[script].decode())], deflated)


def page_text(title: str, task: Any, content: PageContent) -> str:
    """The whole file.

    Args:
        title: what it is called.
        task: the model.
        content: what stands in it.
    """
    runtime, room = read_runtime(), content.room
    own = joined_scripts(room)
    style = "\n".join(read_part(name) for name in ("style.css", *room.styles, f"{room.name}.css"))
    facts = {"title": title, "agreement": content.agreement.to_json(), **content.facts, "zoo": task.get_config()}
    stored = {**{name: packed(data) for name, data in content.parts.items()}, "runtime": in_base64(runtime.wasm)}
    scripts = [*runtime.scripts, own]
    pieces = {
        "mark": MARK,
        "policy": policy(scripts, style),
        "title": html.escape(title),
        "style": style,
        "about": about(task, content.agreement),
        "facts": json.dumps(facts).replace("<", "\\u003c"),  # so that no label ends the script
        "parts": "\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in stored.items()),
        "scripts": "\n".join(f'<script type="module">{script}</script>' for script in scripts),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: pieces[match[1]], template_of(room))


def template_of(room: Room) -> str:
    """The page of a kind of work, with names in double braces where what it knows belongs."""
    return read_part("page.html").replace("{{room}}", read_part(f"{room.name}.html"))


def about(task: Any, agreement: Agreement) -> str:
    """Where the page is from, as HTML."""
    runtime = json.loads(read_part("runtime.json"))
    lines = [
        f"Made by zoo {__version__} from {task.name}. {agreement}",
        f"Computed by {runtime['package']} {runtime['version']}, which has this licence:",
        *read_part("onnxruntime.LICENSE").split("\n\n"),
    ]
    made, *rest = (html.escape(line) for line in lines)
    return "\n".join([f'<p id="made">{made}</p>', *(f"<p>{line}</p>" for line in rest)])


def read_part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def joined_scripts(room: Room) -> str:
    """The page's own modules as one: their imports of each other go, each stands after those that it needs."""
    text = "\n".join(read_part(name) for name in (*SHELL, *room.scripts, f"{room.name}.js"))
    text = re.sub(r"^import .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE)


def as_global(module: str) -> str:
    """A module of the runtime as a script that needs no other file: what it exports, and imports, are globals."""
    module = module.replace("import(/*webpackIgnore:true*/e)", "globalThis.ortLoader")
    # of a page from a disk it asks for its own address beside location.origin, which is "null" in Firefox, and no base
    module = module.replace('import.meta.url>"file:"&&import.meta.url<"file;"', "false")
    module = re.sub(r"export default (\w+);", r"globalThis.ortLoader={default:\1};", module)
    module = re.sub(r"\n//# sourceMappingURL=.*", "", module)

    def assigned(match: re.Match) -> str:
        pairs = (name.split(" as ") for name in match[1].split(","))
        return f"globalThis.ort={{{','.join(f'{pair[-1]}:{pair[0]}' for pair in pairs)}}};"

    return re.sub(r"export\{([^}]*)\};", assigned, module)


def policy(scripts: list[str], style: str) -> str:
    """A content security policy that lets a page run these scripts, and connect to nothing."""

    def source(text: str) -> str:
        return f"'sha256-{in_base64(hashlib.sha256(text.encode()).digest())}'"

    allowed = {
        "default-src": "'none'",
        "connect-src": "'none'",
        "img-src": "'none'",
        "style-src": source(style),
        "script-src": " ".join([*map(source, scripts), "'wasm-unsafe-eval'"]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def packed(data: bytes) -> str:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return in_base64(deflate.compress(data) + deflate.flush())


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
