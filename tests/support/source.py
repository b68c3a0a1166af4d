"""What can be read off the source without running it: imports, names used, lengths, opt-outs."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_OPT_OUT = re.compile(r"#\s*(?:noqa\b:?[ A-Z0-9,]*|type:\s*ignore(?:\[[\w\-, ]*\])?)")
_FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file under its dotted name."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """The source."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.text, str(self.path))

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self.text.splitlines())

    def imports(self) -> Iterator[tuple[int, str]]:
        """Every import wherever it stands, as line and dotted name; `from a import b` gives `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def names_used(self) -> Iterator[tuple[int, str]]:
        """Every dotted name the code reads, through whatever alias it was imported, as line and full name."""
        origin = dict(self._bindings())
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (name := _dotted(node)):
                head, _, rest = name.partition(".")
                if head in origin:
                    yield node.lineno, f"{origin[head]}.{rest}" if rest else origin[head]

    def functions(self) -> Iterator[_FunctionDef]:
        """Every function and method, also inner ones."""
        return (node for node in ast.walk(self.tree) if isinstance(node, _FunctionDef))

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def bare_opt_outs(self) -> Iterator[int]:
        """Lines that switch a check off without giving a reason behind it."""
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT and _OPT_OUT.search(token.string):
                reason = _OPT_OUT.sub("", token.string).strip(" #-:.")
                if not reason:
                    yield token.start[0]

    def _bindings(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def modules_below(root: Path, *packages: str) -> list[Module]:
    """Every module of these packages (folders below `root`), by name."""
    return [
        Module(_module_name(path.relative_to(root)), path)
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    ]


def within(name: str, places: Iterable[str]) -> bool:
    """Tell whether a dotted name is one of these places or lies below one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def _module_name(relative: Path) -> str:
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return ""
