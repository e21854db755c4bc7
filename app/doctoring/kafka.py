"""Checks of what Kafka says: who it lets in, its brokers, topics and groups as this service needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from app.declaring.health import findings
from app.doctoring.examination import Answer, Check, fail, ok, warn
from app.doctoring.network import Address, bootstrap_addresses, certificates, connections, names
from app.kafka.admin.protocol import Admin, TopicDescription
from app.messages import TopicPartition
from app.routes.table import RoutingTable
from app.settings import Settings

TIMEOUT_S = 4.0
NAMED = 5
ADVERTISED = "Correct advertised.listeners of the brokers: clients go where those point, not to the bootstrap servers"
LOGIN = "Check KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM, user and password, and what the broker's log says"


def kafka_checks(settings: Settings, table: RoutingTable, admin: Admin) -> list[Check]:
    """All of them, in their order."""
    seen = Seen(settings, table, admin)
    servers = bootstrap_addresses(settings)
    way = "Check that the brokers run, the network between, and KAFKA_BOOTSTRAP_SERVERS"
    return [
        Check("names", partial(names, servers), way),
        Check("bootstrap servers", partial(connections, servers, way), way, ("names",)),
        Check(
            "certificates",
            partial(certificates, settings, servers),
            "Check KAFKA_SSL_CAFILE, and that the certificate has the name by which the broker is asked",
            ("bootstrap servers",),
        ),
        Check("login", seen.login, LOGIN, ("bootstrap servers", "certificates")),
        Check("advertised brokers", seen.advertised, ADVERTISED, ("login",)),
        Check("topics", seen.topics, "Give the user Describe on the topics", ("routing table", "advertised brokers")),
        Check("dead letter topics", seen.dead_letter_topics, "Create them", ("topics",)),
        Check("replication", seen.replication, "Look at the brokers: demijohn topics health", ("topics",)),
        Check("topic limits", seen.limits, "Give the user DescribeConfigs on the topics", ("topics",)),
        Check("rights", seen.rights, "Look with kafka-acls at what the user may do", ("topics",)),
        Check("groups", seen.groups, "Give the user Describe and Read on the groups", ("topics",)),
    ]


class Seen:
    """What Kafka has said so far. Every method raises KafkaUnavailable, AdminRefused."""

    def __init__(self, settings: Settings, table: RoutingTable, admin: Admin) -> None:
        self._settings = settings
        self._table = table
        self._admin = admin
        self._addresses: list[Address] = []
        self._topics: Mapping[str, TopicDescription] = {}

    async def login(self) -> Answer:
        cluster = await self._admin.cluster(timeout_s=TIMEOUT_S)
        self._addresses = [Address(broker.host, broker.port) for broker in cluster.brokers]
        user = self._settings.kafka_sasl_username
        whom = f" as {user}" if self._settings.kafka_security_protocol.startswith("SASL") else ""
        return ok(f"cluster {cluster.cluster_id or '(unnamed)'} lets us in{whom}; brokers: {len(cluster.brokers)}")

    async def advertised(self) -> Answer:
        resolved = await names(self._addresses)
        if resolved.state != "ok":
            return fail(f"brokers say to be found at names that {resolved.detail}", ADVERTISED)
        answer = await connections(self._addresses, ADVERTISED)
        return answer if answer.state == "ok" else fail(answer.detail, ADVERTISED)

    async def topics(self) -> Answer:
        self._topics = await self._admin.topics(timeout_s=TIMEOUT_S)
        return self._missing(self._table.plain_topics(), "their groups wait for them")

    async def dead_letter_topics(self) -> Answer:
        own = {self._settings.http_async_dlq_topic} - {""}
        return self._missing(self._table.dead_letter_topics() | own, "what keeps failing cannot be moved away")

    def _missing(self, wanted: Collection[str], then: str) -> Answer:
        missing = sorted(set(wanted) - self._topics.keys())
        if not missing:
            return ok(f"all {len(wanted)} that the table names are there" if wanted else "the table names none")
        if self._settings.kafka_create_topics:
            return ok(f"{_listed(missing)}: not there, will be created at the start (KAFKA_CREATE_TOPICS)")
        remedy = f"Create them: demijohn topics migrate, or kafka-topics --create --topic {missing[0]}"
        return fail(f"{_listed(missing)}: not there; {then}", remedy)

    def _used(self) -> list[TopicDescription]:
        wanted = {*self._table.plain_topics(), *self._table.dead_letter_topics()}
        return [self._topics[name] for name in sorted(wanted & self._topics.keys())]

    async def replication(self) -> Answer:
        used = self._used()
        configs = await self._admin.configs([one.topic for one in used], timeout_s=TIMEOUT_S) if used else {}
        found = list(findings(used, configs))
        bad = [f"{one.topic}: {one.text}" for one in found if one.level == "bad"]
        if bad:
            return fail("; ".join(bad[:NAMED]), "Look at the brokers: demijohn topics health")
        if found:
            texts = [f"{one.topic}: {one.text}" for one in found]
            return warn("; ".join(texts[:NAMED]), "Three replicas and min.insync.replicas=2 survive a broker")
        return ok(f"every partition of {len(used)} topics is in sync and survives a broker")

    async def limits(self) -> Answer:
        ours, faults = self._settings.producer_max_payload_bytes, []
        for one in self._used()[:20]:
            config = {entry.name: entry.value for entry in await self._admin.config(one.topic, timeout_s=TIMEOUT_S)}
            theirs = config.get("max.message.bytes") or ""
            if theirs.isdigit() and int(theirs) < ours:
                faults.append(f"{one.topic} takes {theirs} bytes, PRODUCER_MAX_PAYLOAD_BYTES is {ours}")
            if config.get("unclean.leader.election.enable") == "true":
                faults.append(f"{one.topic} may lose acknowledged messages: unclean.leader.election.enable is true")
        if faults:
            return warn("; ".join(faults[:NAMED]), "demijohn topics migrate sets what app/topics.py declares")
        return ok("messages that we let through fit into the topics")

    async def rights(self) -> Answer:
        """Against Kafka's rules, as far as the brokers tell them."""
        groups = {line.group for line in self._table.subscriptions}
        rights = await self._admin.rights([one.topic for one in self._used()], groups, timeout_s=TIMEOUT_S)
        dead = self._table.dead_letter_topics()
        wanted = [("topic", name, "write" if name in dead else "read", may) for name, may in rights.topics.items()]
        wanted += [("group", name, "read", may) for name, may in rights.groups.items()]
        missing = [f"{right} on the {kind} {name}" for kind, name, right, may in sorted(wanted) if right not in may]
        if missing:
            return fail(f"the user may not: {_listed(missing)}", "Give the user these rights, with kafka-acls")
        if not wanted:
            return ok("the brokers tell nothing of them")
        return ok(f"reading, writing and joining are allowed: {len(wanted)} topics and groups")

    async def groups(self) -> Answer:
        known = {one.group: one.state for one in await self._admin.groups(timeout_s=TIMEOUT_S)}
        lost: list[str] = []
        states: list[str] = []
        for group in sorted({line.group for line in self._table.subscriptions}):
            state = known.get(group)
            states.append(f"{group} {(state or 'is new').replace('_', ' ')}")
            if state is not None:
                lost += await self._lost(group)
        if lost:
            remedy = "Records were deleted before they were consumed: raise retention.ms, or look at the lag sooner"
            return warn("; ".join(lost[:NAMED]), remedy)
        return ok(", ".join(states) or "the table has none")

    async def _lost(self, group: str) -> Iterable[str]:
        """Partitions whose next record is gone."""
        committed = await self._admin.committed(group, timeout_s=TIMEOUT_S)
        there: dict[TopicPartition, int] = {at: place for at, place in committed.items() if at.topic in self._topics}
        begins = await self._admin.offsets(list(there), "earliest", timeout_s=TIMEOUT_S)
        pairs = [(at, place, begins.get(at)) for at, place in there.items()]
        return [
            f"{group} stands at {place} of {at}, which begins at {begin}"
            for at, place, begin in pairs
            if begin is not None and place < begin
        ]


def _listed(found: list[str]) -> str:
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more
