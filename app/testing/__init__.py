"""The test kit for authors of consumers: records in; marks, produced messages, dead letters, retries and hooks out."""

from app.testing.broker import Broker
from app.testing.consumer_test import ConsumerTest
from app.testing.failures import ConsumerTestFailed, HookFailed, JobCut, NotSettled, ServiceStopped, StillFailing
from app.testing.producers import RecordedMessage, RecordingKafka, recording_producer
from app.testing.records import record
from app.testing.story import Consumed

__all__ = [
    "Broker",
    "Consumed",
    "ConsumerTest",
    "ConsumerTestFailed",
    "HookFailed",
    "JobCut",
    "NotSettled",
    "RecordedMessage",
    "RecordingKafka",
    "ServiceStopped",
    "StillFailing",
    "record",
    "recording_producer",
]
