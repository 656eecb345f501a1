# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one option of bridges that pyroute2 does not know: IFLA_BR_MULTI_BOOLOPT, since Linux 5.0."""

from __future__ import annotations

import struct

from . import wire

_LINKINFO, _KIND, _DATA, _MULTI_BOOLOPT = 18, 1, 2, 46
_NO_LL_LEARN = 1  # BR_BOOLOPT_NO_LL_LEARN as a bit
_options = struct.Struct("=II")  # struct br_boolopt_multi: values, and which of them are meant


def set_linklocal_learning(index: int, value: bool) -> bytes:
    """The message that switches it."""
    data = wire.attribute(_MULTI_BOOLOPT, _options.pack(0 if value else _NO_LL_LEARN, _NO_LL_LEARN))
    info = wire.text(_KIND, "bridge") + wire.attribute(_DATA, data)
    header = wire.link_header.pack(0, 0, index, 0, 0)
    return wire.message(wire.RTM_NEWLINK, 0, header, wire.attribute(_LINKINFO, info))


def linklocal_learning(data: bytes) -> bool | None:
    """What a bridge's IFLA_INFO_DATA says; None of an older kernel."""
    found = wire.attributes(data, 0).get(_MULTI_BOOLOPT)
    return None if found is None else not _options.unpack_from(found)[0] & _NO_LL_LEARN
