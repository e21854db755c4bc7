"""The lines of the log on what operators do, and what they see."""

from __future__ import annotations

import logging

from app.events import CommandExecuted, FleetChanged, Monitor, OperatorActed, RedriveBegun, RedriveEnded


class OperatorLines:
    """Writes to the logger that it is given."""

    def __init__(self, monitor: Monitor, logger: logging.Logger) -> None:
        self._log = logger
        monitor.subscribe(OperatorActed, self._acted)
        monitor.subscribe(RedriveBegun, self._redrive_begun)
        monitor.subscribe(RedriveEnded, self._redrive_ended)
        monitor.subscribe(CommandExecuted, self._command_executed)
        monitor.subscribe(FleetChanged, self._fleet_changed)

    def _acted(self, event: OperatorActed) -> None:
        detail = f": {event.detail}" if event.detail else ""
        self._log.info("%s %s by %s on %s%s", event.action, event.outcome, event.by, event.target, detail)

    def _command_executed(self, event: CommandExecuted) -> None:
        detail = f": {event.detail}" if event.detail else ""
        self._log.info("Command %s of %s through %s: %s%s", event.name, event.by, event.sender, event.outcome, detail)

    def _fleet_changed(self, event: FleetChanged) -> None:
        if event.why_off is None:
            self._log.info("The dashboard shows all instances")
        else:
            self._log.info("The dashboard shows this instance only: %s", event.why_off)

    def _redrive_begun(self, event: RedriveBegun) -> None:
        kind = "Dry run of a redrive" if event.dry_run else "Redrive"
        self._log.info("[%s] %s of %s begun by %s", event.id, kind, event.topic, event.by)

    def _redrive_ended(self, event: RedriveEnded) -> None:
        sent = "would be sent" if event.dry_run else "sent"
        detail = f" ({event.detail})" if event.detail else ""
        text = "[%s] Redrive of %s %s: %d %s, %d skipped, %d failed%s"
        level = logging.INFO if event.state == "done" and not event.failed else logging.WARNING
        numbers = (event.done, sent, event.skipped, event.failed)
        self._log.log(level, text, event.id, event.topic, event.state, *numbers, detail)
