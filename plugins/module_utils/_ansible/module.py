# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AnsibleModule, for all modules here: whatever it is given, it fails with one sentence that names the option."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .._core.errors import InputError
from .._core.fields import Fields, parse, secrets
from .._core.guard_options import OPTION
from .arguments import argument_spec

#: The action plugin of guarded changes gives each a name, so that the node can be asked for it even if the module's
#: result is lost. It is no option: users cannot see it, and Ansible's checks do not.
CHANGE = "_confirm_change"
# Enough for a name of every kind and for what the kernel says of it; who gives more knows what it was.
_LONGEST = 1000


class Module(AnsibleModule):
    """A module with these options.

    Args:
        options: their fields, where the engine parses them.
        argument_spec: as of Ansible, where it does not.
    """

    def __init__(self, options: Fields | None = None, spec: Mapping[str, Any] | None = None) -> None:
        self._fields = options
        self._in_init = True
        self._given: dict[str, Any] = {}
        self._problem = ""
        self.change = ""
        spec = dict(spec) if spec is not None else argument_spec(options or {})
        super().__init__(argument_spec=spec, supports_check_mode=True)
        if self._problem:
            self.fail_json(msg=self._problem)
        self._in_init = False

    def _load_params(self) -> None:
        """Takes out what Ansible's own checks stumble over: values of the wrong shape, and what is no text."""
        super()._load_params()
        if OPTION in self.argument_spec:
            self.change = str(self.params.pop(CHANGE, ""))
        self._given = {name: value for name, value in self.params.items() if not name.startswith("_")}
        for name, value in self._given.items():
            found = [*_no_text(value, name), *_misshapen(self.argument_spec.get(name, {}), value, name)]
            if found:
                self._problem = self._problem or found[0]
                self.params[name] = None

    def _log_invocation(self) -> None:
        """AnsibleModule knows the secrets of declared options only; a topology's elements are not among them."""
        self._hide_secrets()
        if not self._problem:
            super()._log_invocation()

    def _hide_secrets(self) -> None:
        for given in (self._given, self.params):
            self.no_log_values.update(secret for secret in secrets(self._fields or {}, given) if secret)

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """One printable line, with the option's path if options are what is wrong."""
        if self._in_init:
            self._hide_secrets()
            msg = self._problem or msg
            if self._fields is not None:
                try:
                    parse(self._fields, self._given)
                except InputError as problem:
                    msg = str(problem)
        super().fail_json(shortened(one_line(str(msg))), **kwargs)
        raise SystemExit(1)


def one_line(said: str) -> str:
    """The same with escapes for what is not printable, in one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(said.split(" ")))


def shortened(said: str) -> str:
    """The same, or its beginning and its end."""
    half = _LONGEST // 2
    return said if len(said) <= _LONGEST else f"{said[:half]} … {said[-half:]}"


def _no_text(value: Any, path: str) -> Iterator[str]:
    """Halves of characters (surrogates), which JSON can hold and no program can be given."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _no_text(name, path)
            yield from _no_text(part, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from _no_text(part, f"{path}[{index}]")
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            yield f"{path}: holds half a character, which is no text"


def _misshapen(option: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    """Where something else stands than the dictionaries that have options of their own."""
    below = option.get("options")
    if below is None or value is None:
        return
    if option["type"] == "dict":
        elements = [(path, value)]
    elif isinstance(value, (list, tuple)):
        elements = [(f"{path}[{index}]", element) for index, element in enumerate(value)]
    else:
        yield f"{path}: must be a list: begin each element with '- '"
        return
    for place, element in elements:
        if not isinstance(element, Mapping):
            yield f"{place}: must be a dictionary, not {_KINDS.get(type(element), 'nothing')}"
            continue
        for name, part in element.items():
            yield from _misshapen(below.get(name, {}), part, f"{place}.{name}")


_KINDS = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    type(None): "nothing",
}
