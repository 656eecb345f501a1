# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, declared once: their type, documentation, canonical form and mutability; and the parser for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from .errors import InputError

_TRUE = ("1", "on", "true", "t", "y", "yes")
_FALSE = ("0", "off", "false", "f", "n", "no")


@dataclass(frozen=True)
class Field:
    """One option.

    Attributes:
        type: Ansible's type: str, int, bool, list, dict or raw (str or dict, decided by `fields` and `shorthand`).
        doc: what it means, one or more sentences in Ansible's documentation markup.
        elements: the type of a list's elements.
        fields: suboptions of a dict or of a list's dicts.
        check: brings a value (a list's element) to canonical form; raises ValueError with the end of the message.
        recreate: a live object cannot take another value; it must be made anew.
        shorthand: for raw: the suboption that a plain string stands for.
        secret: never shown in diffs or logs.
        module: whose options the elements have; Ansible leaves checking them to `parse`.
    """

    type: str
    doc: str | tuple[str, ...]
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] | None = None
    elements: str | None = None
    fields: Mapping[str, Field] | None = None
    check: Callable[[Any], Any] | None = None
    recreate: bool = False
    shorthand: str | None = None
    secret: bool = False
    module: str | None = None


Fields = Mapping[str, Field]


def parse(fields: Fields, values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """The options that the user set, in canonical form; defaults filled in, None left out.

    Raises:
        InputError: with the option's path, on the first thing that is wrong.
    """
    dot = f"{path}." if path else ""
    for name in values:
        if name not in fields:
            raise InputError(f"{dot}{name}", f"no such option (there are {', '.join(sorted(fields))})")
    parsed: dict[str, Any] = {}
    for name, field in fields.items():
        value = values.get(name)
        if value is None:
            value = field.default
        if value is not None:
            parsed[name] = _value(field, value, dot + name)
        elif field.required:
            raise InputError(f"{dot}{name}", "is required")
    return parsed


def secrets(fields: Fields, values: Any) -> Iterator[str]:
    """The values that must not be shown, from options as given, parsed or not."""
    for name, field in fields.items() if isinstance(values, Mapping) else ():
        value = values.get(name)
        if field.secret and isinstance(value, str):
            yield value
        elif field.secret:
            # Shorter ones are no keys, and Ansible would take them out of every word.
            yield from (text for text in _texts(value) if len(text) >= 8)
        elif field.fields is not None:
            for element in value if isinstance(value, (list, tuple)) else [value]:
                yield from secrets(field.fields, element)


def _texts(value: Any) -> Iterator[str]:
    """All texts and numbers in a value, which may be of the wrong type."""
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _value(field: Field, value: Any, path: str) -> Any:
    if field.secret and not isinstance(value, str):
        raise InputError(path, "must be a text")
    if field.type != "list":
        return _scalar(field, field.type, value, path)
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if value else []
    elif field.elements in ("dict", "raw") and isinstance(value, Mapping):
        raise InputError(path, "must be a list: begin each element with '- '")
    elif not isinstance(value, (list, tuple)):
        raise InputError(path, f"must be a list, not {value!r}")
    element_type = field.elements or "str"
    if element_type == "raw" and (short := _only(field)) is not None:
        if short.check is None and short.choices is None and {*map(type, value)} <= {str}:
            return [{str(field.shorthand): element} for element in value]
        return [
            _scalar(field, "raw", element, f"{path}[{index}]")
            if isinstance(element, Mapping)
            else {str(field.shorthand): _scalar(short, short.type, element, f"{path}[{index}].{field.shorthand}")}
            for index, element in enumerate(value)
        ]
    return [_scalar(field, element_type, element, f"{path}[{index}]") for index, element in enumerate(value)]


def _only(field: Field) -> Field | None:
    """The suboption that a plain element stands for, if the others say nothing by themselves (lists can be long)."""
    fields = dict(field.fields or {})
    short = fields.pop(str(field.shorthand), None)
    quiet = all(other.default is None and not other.required for other in fields.values())
    return short if quiet and short is not None and short.type != "list" else None


def _scalar(field: Field, kind: str, value: Any, path: str) -> Any:
    if kind == "raw" and not isinstance(value, Mapping):
        value = {str(field.shorthand): value}
    if kind in ("dict", "raw"):
        if not isinstance(value, Mapping):
            raise InputError(path, f"must be a dictionary, not {value!r}")
        return parse(field.fields, value, path) if field.fields is not None else dict(value)
    value = _CONVERT[kind](value, path)
    if field.choices is not None and value not in field.choices:
        raise InputError(path, f"must be one of {', '.join(field.choices)}: {value!r}")
    if field.check is not None:
        try:
            value = field.check(value)
        except ValueError as problem:
            raise InputError(path, str(problem)) from None
    return value


def _string(value: Any, path: str) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        raise InputError(path, f"must be a text, not {value!r}")
    return value if isinstance(value, str) else str(value)


def _integer(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InputError(path, f"must be a whole number, not {value!r}")
    try:
        return int(value)
    except ValueError:
        raise InputError(path, f"must be a whole number, not {value!r}") from None


def _boolean(value: Any, path: str) -> bool:
    lowered = str(value).lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise InputError(path, f"must be true or false, not {value!r}")


_CONVERT: dict[str, Callable[[Any, str], Any]] = {"str": _string, "int": _integer, "bool": _boolean}
