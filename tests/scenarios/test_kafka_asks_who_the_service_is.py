"""By SASL over TLS or by its certificate, and with no more rights than the guide lists, the service does all its work;
what is wrong with a password, a certificate or a right is named, without secrets."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
import trustme
from confluent_kafka.admin import AclOperation, NewTopic, ResourceType

from app.errors import DemijohnError, KafkaUnavailable
from tests.scenarios.stage import Stage
from tests.secured_kafka import PASSWORD, Right, SecuredKafka, done
from tests.service_process import ROOT, ServiceProcess, service
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROW = re.compile(r"^\| (\w+) \| `([^`]+)` \| ([\w, ]+) \|", re.MULTILINE)
WRONG = "a-wrong-secret"


def listed(heading: str) -> list[Right]:
    """The rights that a table of docs/security.md lists, under this heading."""
    section = (ROOT / "docs" / "security.md").read_text().partition(f"### {heading}\n")[2].partition("\n##")[0]
    return [
        Right(ResourceType[kind.upper()], name, AclOperation[operation.strip().upper()])
        for kind, name, operations in ROW.findall(section)
        for operation in operations.split(",")
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    kafka = SecuredKafka(tmp_path_factory.mktemp("secured"))
    await kafka.start()
    yield kafka
    await kafka.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def topic(secured: SecuredKafka) -> str:
    """A topic whose name begins as the guide's do."""
    name = f"orders-{uuid.uuid4().hex[:8]}"
    await done(secured.admin.create_topics([NewTopic(name, 1, 1)]).values())
    return name


@asynccontextmanager
async def running(settings: Mapping[str, object], topic: str, journal: Path) -> AsyncIterator[ServiceProcess]:
    """A service that writes what it is given to `journal`."""
    servers = str(settings["kafka_bootstrap_servers"])
    own = {"TOPIC": topic, "JOURNAL": str(journal)}
    environment = own | {name.upper(): str(value) for name, value in settings.items()}
    draw = "tests.scenarios.tables:journal"
    async with service(servers, draw=draw, environment=environment) as process:
        yield process


@pytest.mark.parametrize("way", ["SCRAM-SHA-512", "PLAIN", "certificate"])
async def test_it_is_let_in_and_does_its_work(secured: SecuredKafka, topic: str, tmp_path: Path, way: str) -> None:
    rights = listed("Calls and consumers")
    assert {right.kind for right in rights} == {ResourceType.TOPIC, ResourceType.GROUP}
    await secured.allow(*rights)
    settings = secured.by_certificate() if way == "certificate" else secured.by_sasl(way)
    journal = tmp_path / "journal"
    async with running(settings, topic, journal) as process:
        await process.until_ready()
        answer = await process.produce(topic, "first")
        assert answer.status_code == 200, answer.text
        await until(lambda: journal.exists() and journal.read_text(), "it is consumed")
        shown = await process.client.get("/dashboard/topics", headers={"accept": "application/json"})
        (row,) = (row for row in shown.json()["table"]["rows"] if row["topic"] == topic)
        assert (row["partitions"], row["messages"]) == (1, 1)
    assert PASSWORD not in process.text


async def test_what_keeps_it_out_is_named_without_secrets(secured: SecuredKafka, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    faults: dict[str, dict[str, object]] = {
        "SaslAuthenticationFailed": secured.by_sasl(kafka_sasl_password=WRONG),
        "Invalid username or password": secured.by_sasl("PLAIN", kafka_sasl_password=WRONG),
        "unable to get local issuer certificate": secured.by_sasl(kafka_ssl_cafile=stranger),
        "certificate is not valid for '127.0.0.1'": secured.by_sasl(kafka_bootstrap_servers=secured.misnamed),
        "does not take our certificate (KAFKA_SSL_CERTFILE)": secured.by_certificate(days=-1),
        "is KAFKA_SECURITY_PROTOCOL that of its listener?": {"kafka_bootstrap_servers": secured.sasl},
    }
    async with AsyncExitStack() as stack:
        started = [
            (words, await stack.enter_async_context(running(settings, "orders", tmp_path / "journal")))
            for words, settings in faults.items()
        ]
        await asyncio.gather(*(_tells(process, words) for words, process in started))


async def _tells(process: ServiceProcess, words: str) -> None:
    await process.until_logged("Kafka is away: no answer from 127.0.0.1:")

    async def refused() -> bool:
        return "nothing was sent" in (await process.produce("orders", 1)).text

    await process.until_live()
    await until(refused, "Kafka is known to be away")
    answer = await process.produce("orders", 1)
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    ready = await process.client.get("/health/ready")
    reasons = {reason["code"]: reason["detail"] for reason in ready.json()["reasons"]}
    for told in (answer.json()["detail"], reasons["broker_unreachable"], process.text):
        assert words in told
        assert WRONG not in told
    tried = sum("Kafka is away" in line or "Unable connect" in line for line in process.log)
    assert tried <= 3, "once is enough"


async def test_fleet_and_transactions_need_no_more_than_is_listed(
    secured: SecuredKafka, topic: str, tmp_path: Path
) -> None:
    await secured.allow(*listed("Calls and consumers"), *listed("What else is used"))
    prefix = {"producer_transactional_id_prefix": "tx-orders"}
    stage = Stage(secured.sasl, **secured.by_sasl(**prefix))
    await stage.start()
    try:
        async with stage.producer.transaction():
            await stage.producer.produce_sync(topic=topic, payload="in a transaction")
    finally:
        await stage.close()
    name = f"orders-{uuid.uuid4().hex[:8]}"
    settings = secured.by_sasl(fleet="auto", fleet_name=name, kafka_create_topics="true")
    async with running(settings, topic, tmp_path / "journal") as process:
        await process.until_ready()

        async def made() -> bool:
            known = await asyncio.to_thread(secured.admin.list_topics, timeout=5)
            return f"demijohn_{name}_reports" in known.topics

        await until(made, "the fleet has its topics")
        read = await process.client.get(f"/dashboard/api/topics/{topic}/messages")
        assert "in a transaction" in read.text, read.text
    assert "AuthorizationFailed" not in process.text, process.text


async def test_what_it_may_not_do_is_named_and_the_rest_goes_on(
    secured: SecuredKafka, topic: str, tmp_path: Path
) -> None:
    closed = f"{topic}-closed"
    await done(secured.admin.create_topics([NewTopic(closed, 1, 1)]).values())
    await secured.allow(*listed("Calls and consumers"))
    prohibitions = (
        Right(ResourceType.TOPIC, closed, AclOperation.WRITE),
        Right(ResourceType.GROUP, f"g-{topic}", AclOperation.READ),
    )
    await secured.forbid(*prohibitions)
    async with running(secured.by_sasl(), topic, tmp_path / "journal") as process:
        await process.until_live()
        await process.until_logged("GroupAuthorizationFailed")
        answer = await process.produce(closed, 1)
        assert (answer.status_code, answer.json()["code"]) == (422, "refused_by_broker"), answer.text
        assert "TOPIC_AUTHORIZATION_FAILED" in answer.text
        assert (await process.produce(topic, "goes on")).status_code == 200
        assert (await process.produce("elsewhere", 1)).json()["code"] == "unknown_topic"

        async def named() -> bool:
            reasons = (await process.client.get("/health/ready")).json()["reasons"]
            return any("uthoriz" in reason["detail"] and f"g-{topic}" in reason["detail"] for reason in reasons)

        await until(named, "the group is named")
        await secured.forbid_no_more(*prohibitions)
        await process.until_ready()
        assert (await process.produce(closed, 1)).status_code == 200


async def test_a_transactional_id_and_a_new_topic_that_are_not_allowed_are_named(secured: SecuredKafka) -> None:
    prefix = {"producer_transactional_id_prefix": "another"}
    stage = Stage(secured.sasl, **secured.by_sasl(**prefix))
    await stage.start()
    try:
        with pytest.raises(DemijohnError, match="TransactionalIdAuthorizationFailed"):
            async with stage.producer.transaction():
                await stage.producer.produce_sync(topic="orders", payload=1)
        with pytest.raises(KafkaUnavailable, match="TopicAuthorizationFailed"):
            await stage.cluster.create_topic("another", 1, timeout_s=5)
    finally:
        await stage.close()
