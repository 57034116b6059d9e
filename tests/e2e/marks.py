"""In which browsers a test runs. In the gate that is Chromium; `make test-long` runs all in Firefox, too."""

from __future__ import annotations

import pytest

IN_BOTH = pytest.mark.parametrize("one_browser", ["chromium", "firefox"], indirect=True)
"""For what browsers do each in their own way: the gate has it in Firefox as well."""

ONLY_CHROMIUM = pytest.mark.parametrize("one_browser", ["chromium"], indirect=True)
"""For input that WebDriver cannot give to Firefox."""
