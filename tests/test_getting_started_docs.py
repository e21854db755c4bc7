"""The consumer, the table and the test of docs/getting-started.md work as they are printed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "getting-started.md").read_text()
CONSUMER, TABLE, TEST = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


async def test_the_pieces_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("app.consumers.payments", CONSUMER), ("app.routing", TABLE)):
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(text, name, "exec"), module.__dict__)
    names: dict[str, object] = {}
    exec(compile(TEST, "test", "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    await test()  # type: ignore[operator]  # it is that function
