"""The layers, who may use which library, and the house numbers, read off the source itself."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.source import Module, modules_below, within

ROOT = Path(__file__).parent.parent
PACKAGES = ("idp", "scim", "ldap_bridge")

# A module imports only from lines above its own; modules on one line never import each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("idp.errors", "idp.clock", "idp.words"),
    ("idp.query", "idp.config", "idp.memory", "idp.processes"),
    ("idp.schema",),
    ("idp.store",),
    ("idp.access",),
    ("idp.audit",),
    ("idp.directory", "idp.mail"),
    ("idp.auth",),
    ("idp.http",),
    ("idp.web", "scim", "ldap_bridge"),
    ("idp.app",),
    ("idp.cli",),
)
WIRING = ("idp.app", "idp.cli")
SERVING = ("idp.http", "idp.web", "scim", *WIRING)

# What may be imported (or, for names of the standard library, used) in these places only.
ONLY: dict[str, tuple[str, ...]] = {
    "aiohttp.web": SERVING,
    "aiohttp_jinja2": SERVING,
    "apsw": ("idp.store.sqlite",),
    "sqlite3": (),
    "bson": ("idp.store.mongo",),
    "motor": ("idp.store.mongo",),
    "pymongo": ("idp.store.mongo",),
    "ldap3": ("ldap_bridge.client",),
    "scim2_filter_parser": ("scim.filter",),
    "sly": ("scim.filter",),
    # Settings are read once, where everything is wired; the others get what they need as arguments.
    "idp.config": ("idp.config", "idp.http", *WIRING),
    "os.environ": WIRING,
    "os.getenv": WIRING,
    # Randomness is an argument.
    "os.urandom": WIRING,
    "random": WIRING,
    "secrets": WIRING,
    "uuid.uuid4": WIRING,
}
# Beyond the layers: handlers go through services, and the bridge works without a web server around it.
NEVER = (("idp.web", "idp.store"), ("scim", "idp.store"), ("ldap_bridge", "idp.http"))

MODULE_LINES, TEST_LINES, FUNCTION_LINES, PUBLIC_METHODS = 400, 500, 40, 12


def place_of(name: str) -> tuple[int, str] | None:
    """Return line and layer of a dotted name, None when it is not ours or has no place."""
    for line, layers in enumerate(LAYERS):
        for layer in layers:
            if within(name, [layer]):
                return line, layer
    return None


def misplaced_imports(modules: Iterable[Module]) -> Iterator[str]:
    """Imports that go down or sideways, and modules without a place."""
    for module in modules:
        if (own := place_of(module.name)) is None:
            # The package idp is only the folder of its layers.
            if module.name != "idp" or any(True for _ in module.imports()):
                yield f"{module.name} has no place among the layers"
            continue
        for line, name in module.imports():
            other = place_of(name)
            if other and other[1] != own[1] and other[0] >= own[0]:
                yield f"{module.name}:{line} imports {name}"


def forbidden_uses(modules: Iterable[Module]) -> Iterator[str]:
    """Libraries, settings, environment and randomness outside of their places."""
    for module in modules:
        used = {*module.imports(), *module.names_used()}
        for subject, places in ONLY.items():
            if not within(module.name, places):
                yield from (
                    f"{module.name}:{line} uses {name}" for line, name in sorted(used) if within(name, [subject])
                )
        for user, subject in NEVER:
            if within(module.name, [user]):
                yield from (
                    f"{module.name}:{line} uses {name}" for line, name in sorted(used) if within(name, [subject])
                )


def oversized(modules: Iterable[Module], most_lines: int) -> Iterator[str]:
    """Modules and functions over the ceilings."""
    for module in modules:
        if module.lines > most_lines:
            yield f"{module.name} has {module.lines} lines"
        for function in module.functions():
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{module.name}:{function.lineno} {function.name} has {length} lines"


def wide_classes(modules: Iterable[Module]) -> Iterator[str]:
    """Classes with more public methods than a reader keeps in mind."""
    for module in modules:
        for node in module.classes():
            methods = [part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            public = {name for name in methods if not name.startswith("_")}
            if len(public) > PUBLIC_METHODS:
                yield f"{module.name}:{node.lineno} {node.name} has {len(public)} public methods"


OURS = modules_below(ROOT, *PACKAGES)
TESTS = modules_below(ROOT, "tests")


def test_imports_go_up_the_layers_only() -> None:
    assert list(misplaced_imports(OURS)) == []


def test_libraries_settings_and_randomness_are_used_in_their_places_only() -> None:
    assert list(forbidden_uses(OURS)) == []


def test_modules_and_functions_keep_to_the_house_numbers() -> None:
    assert [*oversized(OURS, MODULE_LINES), *oversized(TESTS, TEST_LINES)] == []


def test_classes_keep_to_the_house_numbers() -> None:
    assert list(wide_classes(OURS)) == []


def test_every_switched_off_check_has_its_reason_on_the_line() -> None:
    assert [f"{module.name}:{line}" for module in [*OURS, *TESTS] for line in module.bare_opt_outs()] == []


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("idp.store.contract", "from idp.directory import users", "idp.store.contract:1 imports idp.directory.users"),
        ("scim.patch", "import idp.web", "scim.patch:1 imports idp.web"),
        ("idp.web.login", "def f():\n    from idp import app", "idp.web.login:2 imports idp.app"),
        ("idp.novelty", "", "idp.novelty has no place among the layers"),
        ("idp", "from idp import errors", "idp has no place among the layers"),
    ],
)
def test_an_import_against_the_layers_is_found(tmp_path: Path, name: str, source: str, complaint: str) -> None:
    assert list(misplaced_imports([_written(tmp_path, name, source)])) == [complaint]


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("idp.auth.tokens", "import secrets", "idp.auth.tokens:1 uses secrets"),
        ("idp.auth.tokens", "import os as o\no.environ['X']", "idp.auth.tokens:2 uses os.environ"),
        ("idp.directory.users", "from aiohttp import web", "idp.directory.users:1 uses aiohttp.web"),
        ("idp.store.sqlite.find", "import pymongo.errors", "idp.store.sqlite.find:1 uses pymongo.errors"),
        ("ldap_bridge.sync", "import ldap3", "ldap_bridge.sync:1 uses ldap3"),
        ("scim.users", "from idp.store import Store", "scim.users:1 uses idp.store.Store"),
    ],
)
def test_a_forbidden_use_is_found(tmp_path: Path, name: str, source: str, complaint: str) -> None:
    assert list(forbidden_uses([_written(tmp_path, name, source)])) == [complaint]


def test_what_is_too_long_too_wide_or_unexplained_is_found(tmp_path: Path) -> None:
    long = _written(tmp_path, "idp.long", "def f():\n" + "    pass\n" * FUNCTION_LINES)
    wide = _written(tmp_path, "idp.wide", "class C:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(13)))
    # Put together here, so that this file does not complain of itself.
    sloppy = _written(tmp_path, "idp.sloppy", "x = 1  # " + "noqa: E501\ny = 2  # " + "type: ignore[misc] - says why\n")
    assert list(oversized([long], FUNCTION_LINES)) == ["idp.long has 41 lines", "idp.long:1 f has 41 lines"]
    assert list(wide_classes([wide])) == ["idp.wide:1 C has 13 public methods"]
    assert list(sloppy.bare_opt_outs()) == [1]


def _written(directory: Path, name: str, source: str) -> Module:
    path = directory / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    return Module(name, path)
