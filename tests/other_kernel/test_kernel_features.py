# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kernel feature that the collection's tests need is in this kernel or in one that tests can go to."""

from __future__ import annotations

import pytest

from tests.other_kernel.features import FEATURES, present

CASES = [pytest.param(name, marks=pytest.mark.other_kernel(name)) for name in sorted(FEATURES)]


@pytest.mark.parametrize("feature", CASES)
def test_feature_is_present(feature: str) -> None:
    assert present({feature}) == {feature}
