"""Makes consumer objects: one for a whole assignment, or, while developing, of the newest source for every batch."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from app.consumer import Consumer, ConsumerContext


class Instances:
    """Where not `persistent`, a class is read anew from its module's source whenever that has changed since it was
    remembered: from the text, as the times of compiled files are too coarse to tell two edits in a second apart."""

    def __init__(self, *, persistent: bool) -> None:
        self.persistent = persistent
        self._sources: dict[type[Consumer], tuple[ModuleType, Path]] = {}
        self._last_run: dict[ModuleType, bytes] = {}

    def remember(self, kind: type[Consumer]) -> None:
        """The source of `kind` as it is now is what has been imported."""
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None)
        if not self.persistent and module is not None and file and _named(module, kind.__qualname__) is kind:
            self._sources[kind] = module, Path(file)
            self._last_run[module] = Path(file).read_bytes()

    def make(self, kind: type[Consumer], context: ConsumerContext) -> Consumer:
        """A consumer object. Raises what the class raises, or its newest source."""
        return self._newest(kind)(context) if kind in self._sources else kind(context)

    def _newest(self, kind: type[Consumer]) -> type[Consumer]:
        module, path = self._sources[kind]
        text = path.read_bytes()
        if text != self._last_run[module]:
            exec(compile(text, str(path), "exec"), module.__dict__)
            self._last_run[module] = text
        found = _named(module, kind.__qualname__)
        if not (isinstance(found, type) and issubclass(found, Consumer)):
            raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no longer a subclass of Consumer")
        return found


def _named(module: ModuleType, qualname: str) -> object:
    """What a module has under a dotted name; None where it has nothing."""
    found: object = module
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found
