"""The topics that this service declares: `demijohn topics plan` compares them with Kafka, `migrate` makes it so."""

from app.declaring import Topics


def declare(topics: Topics) -> None:
    """Declares topics; nothing is done to those that are not named here. For example:

    topics.topic("payments", partitions=6, replication=3, config={"retention.ms": "604800000"})
    """
