"""What a test of a consumer fails with. The consumer's own error is the `__cause__`, with its traceback.

ConsumerTestFailed
├── NotSettled              the consumer did not come to rest in time
├── StillFailing            it fails however often it is tried; the service would go on trying for ever
├── HookFailed              something failed that the service would log and ignore
├── ServiceStopped          an error after which the service would stop, with exit code 3
└── JobCut                  at the end of the test a job did not end, and was cut
"""

from __future__ import annotations


class ConsumerTestFailed(AssertionError):
    """A consumer did what no test should pass over in silence."""


class NotSettled(ConsumerTestFailed):
    """The consumer did not come to rest in time."""


class StillFailing(ConsumerTestFailed):
    """The consumer fails however often it is tried; the service would go on trying for ever."""


class HookFailed(ConsumerTestFailed):
    """Something failed that the service would log and ignore: a hook other than `consume`, a strategy, a key."""


class ServiceStopped(ConsumerTestFailed):
    """An error, or the verdict Stop, after which the service would stop, with exit code 3."""


class JobCut(ConsumerTestFailed):
    """At the end of the test a job did not end, and was cut."""
