# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we use of netaddr. Without it everything can still be imported, as Ansible wants, to be documented at least.

Whoever is asked by a user looks at HAS_NETADDR first and says what is missing.
"""

from __future__ import annotations

from typing import Any

HAS_NETADDR = True
try:
    from netaddr import AddrFormatError, IPAddress, IPNetwork, valid_ipv4, valid_ipv6
except ImportError:
    HAS_NETADDR = False

    class _Missing:
        """Stands in, for constants of modules."""

        def __init__(self, *_given: Any) -> None:
            pass

    AddrFormatError = ValueError
    IPAddress = IPNetwork = valid_ipv4 = valid_ipv6 = _Missing

__all__ = ["HAS_NETADDR", "AddrFormatError", "IPAddress", "IPNetwork", "valid_ipv4", "valid_ipv6"]
