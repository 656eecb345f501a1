# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the `options:` of the modules' DOCUMENTATION from the fields of the engine.

The rest of DOCUMENTATION is written by hand; `options:` is its last key, and everything below it is replaced.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from plugins.module_utils._core.declare import topology_fields  # noqa: E402
from plugins.module_utils._core.fields import Field, Fields  # noqa: E402
from plugins.module_utils._core.guard_options import module_fields  # noqa: E402
from plugins.module_utils._core.info import INFO  # noqa: E402
from plugins.module_utils._core.ipvs_info import IPVS_INFO  # noqa: E402
from plugins.module_utils._core.kinds.registry import DECLARATIONS  # noqa: E402

MODULES: dict[str, Fields] = {
    **{name: module_fields(name, declaration.fields) for name, declaration in DECLARATIONS.items()},
    "topology": module_fields("topology", topology_fields()),
    "network_info": INFO,
    "ipvs_info": IPVS_INFO,
}
# PyYAML breaks a line at the first space after this column.
WIDTH = 104
_OPTIONS = re.compile(r'^options:\n(?:(?: +.*)?\n)*?(?=""")', re.MULTILINE)
_RELATIVE = re.compile(r"O\(([a-z0-9_]+)((?:=[^)]*)?\))")
Level = tuple[str, Fields]


class Indented(yaml.SafeDumper):
    """Lists stand two columns to the right of their key, as yamllint wants."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def documented(fields: Fields, above: Sequence[Level] = (), path: str = "") -> dict[str, Any]:
    """The options in the form of DOCUMENTATION."""
    levels = (*above, (path, fields))
    return {name: _option(name, field, levels) for name, field in fields.items()}


def _option(name: str, field: Field, levels: Sequence[Level]) -> dict[str, Any]:
    sentences = [_resolve(text, levels) for text in ((field.doc,) if isinstance(field.doc, str) else field.doc)]
    if field.recreate:
        sentences.append("It cannot be changed in place; see O(recreate).")
    if field.fields is not None and "raw" in (field.type, field.elements):
        sentences += _keys(field.fields)
    option: dict[str, Any] = {"description": sentences if len(sentences) > 1 else sentences[0], "type": field.type}
    if field.elements:
        option["elements"] = field.elements
    if field.required:
        option["required"] = True
    if field.default is not None:
        option["default"] = field.default
    if field.choices:
        option["choices"] = list(field.choices)
    if field.fields is not None and field.module is None and "raw" not in (field.type, field.elements):
        path = f"{levels[-1][0]}{name}{'[]' if field.type == 'list' else ''}."
        option["suboptions"] = documented(field.fields, levels, path)
    return option


def _resolve(text: str, levels: Sequence[Level]) -> str:
    """O(name) means the option beside this one, or else the nearest above; Ansible wants its full path."""

    def full(match: re.Match[str]) -> str:
        name, rest = match.groups()
        for path, fields in reversed(levels):
            if name in fields:
                return f"O({path}{name}{rest}"
        raise SystemExit(f"no option {name}, which this names: {text}")

    return _RELATIVE.sub(full, text)


def _keys(fields: Fields) -> list[str]:
    """A sentence for each key of a value that Ansible cannot check, because it may be a text too."""
    return [_key(f"C({name})", field) for name, field in fields.items()]


def _key(path: str, field: Field) -> str:
    text = field.doc if isinstance(field.doc, str) else " ".join(field.doc)
    kind = f"{field.type} of {field.elements}" if field.elements else field.type
    words = [kind, *(["required"] if field.required else [])]
    if field.default is not None:
        words.append(f"default V({str(field.default).lower()})")
    below = field.fields or {}
    inner = f" Keys of each: {'; '.join(_key(f'C({name})', sub).rstrip('.') for name, sub in below.items())}."
    return f"{path} ({', '.join(words)}) - {text}{inner if below else ''}"


def block(fields: Mapping[str, Field]) -> str:
    """The text of `options:`."""
    options = {"options": documented(fields)}
    return yaml.dump(options, Dumper=Indented, sort_keys=False, allow_unicode=True, width=WIDTH)


def updated(text: str, fields: Fields) -> str:
    """A module's source with current options."""
    if not _OPTIONS.search(text):
        raise SystemExit("DOCUMENTATION does not end with options")
    return _OPTIONS.sub(lambda _match: block(fields), text, count=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if something is stale")
    check = parser.parse_args().check
    stale = []
    for name, fields in MODULES.items():
        path = CHECKOUT / "plugins" / "modules" / f"{name}.py"
        text = path.read_text(encoding="utf-8")
        new = updated(text, fields)
        if new != text:
            stale.append(path.relative_to(CHECKOUT))
            if not check:
                path.write_text(new, encoding="utf-8")
    for path in stale:
        print(f"{path}: options {'are stale, run scripts/document_modules' if check else 'rewritten'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
