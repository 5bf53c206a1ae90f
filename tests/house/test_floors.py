"""Rooms import lower floors only; each library has its home; nothing goes round either by a string."""

from __future__ import annotations

import ast
from fnmatch import fnmatch

from tests.house.source import PACKAGE, imports, room_of, trees

FLOORS = (
    ("errors",),
    ("declare",),
    ("graph",),
    ("access", "exchange"),
    ("plan", "warehouse"),
    ("session", "quality"),
    ("review", "gateway"),
    ("show",),
    ("commands", "airflow"),
    ("cli",),
    ("__init__", "__main__"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

HOMES = {
    "yaml": ("declare/*",),
    "sqlglot": ("declare/*", "plan/lower*", "exchange/osi_dialects.py"),
    "ibis": ("plan/lower*", "warehouse/*"),
    "duckdb": ("warehouse/*",),
    "sqlalchemy": ("warehouse/*",),
    "alembic": ("warehouse/*",),
    "joserfc": ("gateway/*",),
    "panel": ("show/*",),
    "panel_material_ui": ("show/*",),
    "bokeh": ("show/*",),
    "param": ("show/*",),
    "IPython": ("show/*",),
    "vl_convert": ("show/*",),
    "fastapi": ("gateway/*",),
    "starlette": ("gateway/*",),
    "uvicorn": ("gateway/*",),
    "urllib3": ("gateway/*",),
    "prometheus_client": ("gateway/*",),
    "click": ("cli.py", "commands/*"),
    "rich": ("cli.py", "commands/*"),
}


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(file) for file in trees()}
    assert rooms <= FLOOR.keys(), f"no floor for {rooms - FLOOR.keys()}"


def test_rooms_import_lower_floors_only() -> None:
    wrong = []
    for one in imports():
        parts = one.module.split(".")
        if parts[0] != "workbench":
            continue
        targets = parts[1:2] or [name for name in one.names if name in FLOOR]
        wrong += [
            f"{one.where}: {one.room} imports {target}"
            for target in targets
            if target != one.room and FLOOR.get(target, 99) >= FLOOR[one.room]
        ]
    assert not wrong, "\n".join(wrong)


def test_each_library_stays_at_home() -> None:
    wrong = []
    for one in imports():
        homes = HOMES.get(one.module.split(".")[0])
        if homes and not one.for_types:
            path = one.file.relative_to(PACKAGE).as_posix()
            if not any(fnmatch(path, home) for home in homes):
                wrong.append(f"{one.where}: {one.module} belongs in {' or '.join(homes)}")
    assert not wrong, "\n".join(wrong)


def test_no_file_imports_anothers_private_names() -> None:
    wrong = [
        f"{one.where}: {name} is private to {one.module}"
        for one in imports()
        if one.module.startswith("workbench")
        for name in one.names
        if name.startswith("_") and not name.startswith("__")
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_imported_by_a_string() -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in ("import_module", "__import__")
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_keep_empty_inits() -> None:
    wrong = [str(f) for f in PACKAGE.glob("*/__init__.py") if f.read_text(encoding="utf-8").strip()]
    assert not wrong, wrong


def test_broad_excepts_stay_in_the_outermost_layer() -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file, tree in trees().items()
        if room_of(file) not in ("cli", "show", "gateway")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and not _passes_on(node)
    ]
    assert not wrong, wrong


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it only tidies up and raises the very same error again."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
