"""Every piece of Python in the guide to testing runs, in its order; its tests pass."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_snippets_of_the_guide_run() -> None:
    names: dict[str, Any] = {"__name__": "guide"}
    for snippet in SNIPPETS:
        exec(compile("from __future__ import annotations\n" + snippet, str(GUIDE), "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == sum(snippet.count("def test_") for snippet in SNIPPETS) >= 9
    for test in tests:
        if inspect.iscoroutinefunction(test):
            asyncio.run(test())
        else:
            test()
