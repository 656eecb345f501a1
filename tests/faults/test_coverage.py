# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing by which the core changes a node escapes the sweep: found in its source, not in what it happens to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.calls import LABELS
from tests.faults.stand_ins import REPLACED
from tests.faults.test_sweep import REACHED

pytestmark = pytest.mark.shared_network

CORE = Path(__file__).parents[2] / "plugins" / "module_utils" / "_core"
#: What is used of modules that could change a node, and does not: it reads, computes, or is about processes.
HARMLESS = {
    "os": {
        *("close", "dup2", "fork", "pipe", "read", "pread", "waitpid", "_exit", "chdir", "setsid", "getpgrp", "getpid"),
        *("killpg", "environ", "defpath", "devnull", "pathsep", "path", "fsencode", "fstat", "stat", "lstat"),
        *("listdir", "readlink", "strerror", "urandom", "memfd_create"),
    },
    "socket": {"create_connection", "htons", "inet_ntop", "inet_pton", "socket", "socketpair", "timeout"},
    "subprocess": {"CompletedProcess", "DEVNULL", "TimeoutExpired"},
    "ctypes": {"CDLL", "get_errno", "c_char_p", "c_int", "c_ulong"},
    "fcntl": {"flock", "ioctl"},
    "shutil": {"which"},
    "signal": {"signal"},
    "resource": {"getrlimit", "setrlimit"},
    # Makes its file by os.open.
    "tempfile": {"mkstemp"},
    "libc": {"setns"},
}
#: Modules that can change nothing outside of the process.
PURE = {
    *("__future__", "argparse", "base64", "binascii", "bisect", "collections", "collections.abc", "concurrent.futures"),
    *("contextlib", "dataclasses", "enum", "errno", "functools", "gc", "hashlib", "importlib", "importlib.util"),
    *("ipaddress", "itertools", "json", "pkgutil", "random", "re", "secrets", "select", "stat", "struct", "sys"),
    *("threading", "time", "types", "typing", "zipimport"),
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(CORE.rglob("*.py")):
        yield str(path.relative_to(CORE)), ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(name here, module)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or "", node.module or ""


def used(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, what is used of it), and (libc, function)."""
    names = dict(imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in HARMLESS:
            yield from ((node.module, alias.name) for alias in node.names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_call":
            assert isinstance(node.args[0], ast.Constant), "the function's name must be there to read"
            yield "libc", str(node.args[0].value)
        if not isinstance(node, ast.Attribute):
            continue
        value = node.value
        if isinstance(value, ast.Name) and names.get(value.id) in HARMLESS:
            yield names[value.id], node.attr
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "_libc":
            yield "libc", node.attr


def test_every_way_to_change_something_is_intercepted() -> None:
    unknown = {
        f"{file}: {module}.{name}"
        for file, tree in sources()
        for module, name in used(tree)
        if not name.isupper() and name not in HARMLESS.get(module, ()) and name not in REPLACED.get(module, ())
    }
    assert not unknown, f"neither in HARMLESS nor replaced by hook.py: {sorted(unknown)}"


def test_no_other_module_is_used() -> None:
    known = PURE | HARMLESS.keys()
    unknown = {f"{file}: {name}" for file, tree in sources() for _as, name in imported(tree) if name not in known}
    assert not unknown, f"can they change something? {sorted(unknown)}"


def test_only_files_beside_the_engine_are_written_by_open() -> None:
    """`open(…, "w")` goes around the hook: the node's own services use it, the engine does not."""
    found = {
        file
        for file, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
        for mode in (*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode"))
        if not (isinstance(mode, ast.Constant) and set(str(mode.value)) <= set("rbt"))
    }
    assert found <= {"commands.py", "health_watch.py"}


def messages_in_the_source() -> set[str]:
    """The kernel's names of all messages that the core can send, and that change something."""
    found = set()
    for file, tree in sources():
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            words = name.strip("_").split("_")
            if words[0] == "RTM" and words[-1].startswith(("NEW", "DEL", "SET")):
                found.add(name)
            elif file == "kernel/ipvs.py" and words[0] in ("NEW", "SET", "DEL"):
                found.add(f"IPVS{name}")
            elif file == "kernel/wireguard.py" and name == "_SET_DEVICE":
                found.add("WG_SET_DEVICE")
    # The kernel's answer to a question, never sent.
    return found - {"RTM_NEWNSID"}


def test_every_message_is_known_and_reached() -> None:
    source = messages_in_the_source()
    assert len(source) > 15 and "RTM_NEWLINK" in source and "IPVS_DEL_DEST" in source
    assert source <= LABELS, f"calls.py has no name for {sorted(source - LABELS)}"
    reached = {label.partition(" (")[0] for labels in REACHED.values() for label in labels}
    missing = source - reached
    assert not missing, f"no way of the sweep sends {sorted(missing)}"
