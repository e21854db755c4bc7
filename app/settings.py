"""The environment, read once into frozen settings.

Every field is one environment variable of the same name in capitals (a `.env` file is read too, the
environment wins). `load_settings` reports everything that is wrong at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import Fault, SettingsInvalid

MIB = 1024 * 1024
KAFKA_DEFAULT_MAX_RECORD_BYTES = 1_048_588
"""Kafka's default of `message.max.bytes`: 1 MiB of records and 12 bytes of batch overhead."""
PREFIXES = ("KAFKA_", "HTTP_", "PRODUCER_", "CONSUMER_", "SHUTDOWN_", "LOG_", "DASHBOARD_", "FLEET")
MISSPELLED_CUTOFF = 0.86

RATE = re.compile(r"([1-9][0-9]{0,8})/(s|min|h)", re.ASCII).fullmatch
ORIGIN = re.compile(r"https?://[a-z0-9.\-\[\]:]+", re.ASCII).fullmatch
ROOT_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII).fullmatch
OWN_PATHS = frozenset(
    {"asyncapi.json", "brokers", "dashboard", "docs", "health", "karafka", "metrics", "openapi.json", "produce"}
    | {"receipts", "topics"}
)
"""What the paths of the service begin with: a prefix that does could not be told from them."""
Positive = Annotated[int, Field(gt=0)]
Milliseconds = Annotated[int, Field(gt=0, le=86_400_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


def listed(value: str) -> list[str]:
    """The parts of a comma-separated setting, without blanks around them."""
    return [part.strip() for part in value.split(",") if part.strip()]


class Settings(BaseSettings):
    """Everything that can be set. Frozen; secrets are never printed."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    kafka_bootstrap_servers: str = Field("", description="Comma-separated host:port; empty: an embedded broker")
    kafka_client_id: str = Field("demijohn", min_length=1, description="Name of this client in the brokers' logs")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="SASL mechanism, used with SASL_PLAINTEXT and SASL_SSL"
    )
    kafka_sasl_username: str | None = Field(None, description="SASL user name")
    kafka_sasl_password: SecretStr | None = Field(None, description="SASL password")
    kafka_ssl_cafile: str | None = Field(None, description="CA certificates (PEM); empty: the system's")
    kafka_ssl_certfile: str | None = Field(None, description="Client certificate (PEM)")
    kafka_ssl_keyfile: str | None = Field(None, description="Key of the client certificate (PEM)")
    kafka_ssl_check_hostname: bool = Field(True, description="Whether the brokers' names must match")
    kafka_request_timeout_ms: Milliseconds = Field(12_000, description="Longest wait for one answer of a broker")
    kafka_embedded: Literal["auto", "apache", "mock", "off"] = Field(
        "auto", description="Which broker to embed while KAFKA_BOOTSTRAP_SERVERS is empty"
    )
    kafka_create_topics: bool = Field(False, description="Create the table's topics and DLQs at start")

    http_host: str = Field("127.0.0.1", min_length=1, description="Address to listen on")
    http_port: int = Field(3000, ge=0, le=65535, description="Port to listen on; 0: any free one")
    http_max_body_bytes: Positive = Field(10 * MIB, description="Largest request body")
    http_max_batch: Positive = Field(10_000, description="Most messages in one batch request")
    http_max_in_flight: Positive = Field(50_000, description="Most messages not yet answered (sync)")
    http_max_in_flight_bytes: Positive = Field(128 * MIB, description="Most bytes not yet answered (sync)")
    http_timeout_s: Seconds = Field(15, description="How long a sync call waits for the verdict by default")
    http_max_timeout_s: Seconds = Field(30, description="Longest wait that a call may ask for")
    http_body_timeout_s: Seconds = Field(30, description="How long a body may stall")
    http_drain_wait_s: float = Field(0, ge=0, description="How long a stopping service still takes new calls")
    http_receipt_ttl_s: Seconds = Field(600, description="How long a settled receipt is kept")
    http_receipts_max: Positive = Field(100_000, description="Most receipts kept")
    http_idempotency_ttl_s: Seconds = Field(600, description="How long an answer is kept under its idempotency key")
    http_idempotency_max: Positive = Field(100_000, description="Most idempotency keys kept")
    http_async_dlq_topic: str = Field("", description="Where failed async messages go as dead letters; empty: nowhere")
    http_api_keys_file: str | None = Field(None, description="TOML file of API keys; empty: no key is asked for")
    http_open_metrics: bool = Field(False, description="Whether /metrics needs no key")

    http_rate_limit: str = Field("", description="Most messages per client address without keys, for example 5000/s")
    http_trusted_proxies: str = Field("", description="Addresses and networks whose X-Forwarded-For is believed")
    http_topics: str = Field("", description="Topics that may be produced to, shell-style patterns; empty: all")
    http_schemas_dir: str | None = Field(None, description="Directory of JSON Schemas of payloads, TOPIC.json each")
    http_root_path: str = Field("", description="Prefix of every path behind an ingress, for example /demijohn")
    http_cors_origins: str = Field(
        "", description="Origins of pages that may call the API, for example https://a.example"
    )
    http_tls_cert: str | None = Field(None, description="Certificate chain (PEM) to serve HTTPS with")
    http_tls_key: str | None = Field(None, description="Key of the certificate (PEM)")

    producer_acks: Literal["all", "1", "0"] = Field("all", description="Which acknowledgement counts")
    producer_idempotent: bool = Field(True, description="Whether retries may not duplicate (needs acks=all)")
    producer_linger_ms: int = Field(0, ge=0, le=10_000, description="How long to collect before sending")
    producer_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "none", description="Compression of record batches"
    )
    producer_partitioner: Literal["murmur2", "crc32"] = Field(
        "murmur2", description="murmur2: as Java clients; crc32: as librdkafka's consistent_random"
    )
    producer_delivery_timeout_s: Annotated[float, Field(ge=20, le=3600)] = Field(
        30, description="From acceptance to the verdict, at most; a broker's crash silences Kafka for 8-11 s"
    )
    producer_max_payload_bytes: Positive = Field(1_000_012, description="Largest payload")
    producer_queue_messages: Positive = Field(100_000, description="Most messages queued by async calls")
    producer_queue_bytes: Positive = Field(64 * MIB, description="Most bytes queued by async calls")
    producer_queue_full_wait_s: float = Field(1, ge=0, le=60, description="How long to wait for room in the queue")
    producer_client: Literal["kafka", "recording", "dropping"] = Field(
        "kafka", description="For tests: keep produced messages in memory, or drop them, instead of sending them"
    )
    producer_transactional_id_prefix: str | None = Field(
        None, min_length=1, description="Beginning of transactional ids; empty: transactions cannot be used"
    )
    producer_buffer_max_age_ms: Milliseconds | None = Field(
        None, description="A message buffered for so long flushes the buffer; empty: none does"
    )
    producer_buffer_max_messages: Positive | None = Field(
        None, description="So many buffered messages flush the buffer; empty: any number is kept"
    )

    consumer_group_id: str = Field("demijohn", min_length=1, description="The default consumer group")
    consumer_instance_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] | None = Field(
        None, description="Static membership: an id that no other live process has, such as a StatefulSet's pod name"
    )
    consumer_max_messages: Positive = Field(100, description="Most messages in a batch")
    consumer_max_wait_ms: Milliseconds = Field(1000, description="Longest wait for a fuller batch")
    consumer_concurrency: Positive = Field(64, description="Most jobs running at once")
    consumer_threads: Positive = Field(32, description="Most hooks written as plain def running at once")
    consumer_persistence: bool = Field(
        True, description="false: a new consumer of the newest source for every batch, while developing"
    )
    consumer_pause_ms: Milliseconds = Field(1000, description="Base of the pause after a failure")
    consumer_pause_max_ms: Milliseconds = Field(30_000, description="Longest pause after a failure")
    consumer_pause_exponential: bool = Field(True, description="Whether the pause doubles with each attempt")
    consumer_commit_interval_ms: Milliseconds = Field(5000, description="Between two commits of a group")
    consumer_session_timeout_ms: Milliseconds = Field(45_000, description="Silence after which a member is dead")
    consumer_heartbeat_ms: Milliseconds = Field(3000, description="Between two heartbeats")
    consumer_rebalance_timeout_ms: Milliseconds = Field(60_000, description="Longest wait for members in a rebalance")
    consumer_drain_ms: Milliseconds = Field(20_000, description="How long running jobs may go on in a rebalance")
    consumer_metadata_max_age_ms: Milliseconds = Field(30_000, description="How often new topics are looked for")
    consumer_initial_offset: Literal["earliest", "latest"] = Field("earliest", description="Where a new group starts")
    consumer_assignor: str = Field("range,roundrobin", description="Partition assignment, in order of preference")
    consumer_max_fetch_bytes: Positive = Field(50 * MIB, description="Most bytes of one fetch")
    consumer_max_partition_fetch_bytes: Positive = Field(MIB, description="Most bytes of one partition in a fetch")
    consumer_isolation_level: Literal["read_committed", "read_uncommitted"] = Field(
        "read_committed", description="Whether aborted transactions are hidden"
    )

    dashboard_actions: bool = Field(
        False, description="Whether everybody may act from the dashboard; without API keys only (else: role admin)"
    )
    dashboard_masked_topics: str = Field(
        "", description="Topics whose messages the dashboard shows the sizes of only, shell-style patterns"
    )

    fleet: Literal["auto", "off"] = Field(
        "auto", description="Whether every instance's dashboard shows all of them, by topics in Kafka"
    )
    fleet_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,50}$")] = Field(
        "", description="Keeps fleets on one Kafka apart: its topics are demijohn_NAME_reports and so on"
    )
    fleet_interval_ms: Annotated[int, Field(ge=500, le=10_000)] = Field(
        5000, description="Between two reports of an instance; one that misses six in a row is gone"
    )

    shutdown_timeout_s: Seconds = Field(25, description="The whole stop takes at most this long")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    log_payloads: bool = Field(False, description="Whether lines on produced messages show the payload")
    log_format: Literal["text", "json"] = Field("text", description="Lines for people or for machines")
    routes: str = Field("app.routing:draw", description="Import path of the routing table, module:function")
    declared_topics: str = Field(
        "app.topics:declare", description="Import path of the declared topics, module:function"
    )

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _servers_have_ports(cls, value: str) -> str:
        for server in filter(None, (part.strip() for part in value.split(","))):
            host, _, port = server.rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"{server!r} is not host:port")
        return value

    @field_validator("http_rate_limit")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        if value and not RATE(value):
            raise ValueError(f"{value!r} is no rate: write for example 1000/s, 500/min or 20/h")
        return value

    @field_validator("http_trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for part in listed(value):
            ip_network(part, strict=False)
        return value

    @field_validator("http_root_path")
    @classmethod
    def _is_root_path(cls, value: str) -> str:
        root = value.rstrip("/")
        if root and not ROOT_PATH(root):
            raise ValueError(f"{value!r} is no path: write for example /demijohn, of A-Z a-z 0-9 . _ ~ - and /")
        if root[1:].partition("/")[0] in OWN_PATHS:
            raise ValueError(f"{value!r} begins as paths of the service do: choose another prefix")
        return root

    @field_validator("http_cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in listed(value):
            if not ORIGIN(origin):
                raise ValueError(
                    f"{origin!r} is no origin: write it as browsers do, for example https://a.example:8080"
                )
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("routes")
    @classmethod
    def _module_and_function(cls, value: str) -> str:
        module, _, function = value.partition(":")
        if not module or not function.isidentifier():
            raise ValueError("must be module:function, for example app.routing:draw")
        return value

    @field_validator("http_async_dlq_topic")
    @classmethod
    def _topic_name(cls, value: str) -> str:
        if value and (value in (".", "..") or not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value)):
            raise ValueError("must have 1 to 249 of A-Z a-z 0-9 . _ - and not be . or ..")
        return value

    @field_validator("consumer_assignor")
    @classmethod
    def _known_assignors(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        if unknown := [name for name in names if name not in {"range", "roundrobin", "sticky"}]:
            raise ValueError(f"{unknown[0]!r} is none of range, roundrobin, sticky")
        return ",".join(names)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if faults := [fault for fault in self._contradictions() if fault]:
            raise ValueError("; ".join(faults))
        return self

    def _contradictions(self) -> Iterable[str]:
        if self.http_timeout_s > self.http_max_timeout_s:
            yield "HTTP_TIMEOUT_S must not be above HTTP_MAX_TIMEOUT_S"
        if self.http_max_timeout_s > self.producer_delivery_timeout_s:
            yield "HTTP_MAX_TIMEOUT_S must not be above PRODUCER_DELIVERY_TIMEOUT_S: no verdict takes longer"
        if self.producer_idempotent and self.producer_acks != "all":
            yield "PRODUCER_IDEMPOTENT needs PRODUCER_ACKS=all; set PRODUCER_IDEMPOTENT=false for fewer acks"
        if (self.http_tls_cert is None) != (self.http_tls_key is None):
            yield "HTTP_TLS_CERT and HTTP_TLS_KEY belong together: set both, or none"
        if self.consumer_pause_ms > self.consumer_pause_max_ms:
            yield "CONSUMER_PAUSE_MS must not be above CONSUMER_PAUSE_MAX_MS"
        if self.consumer_rebalance_timeout_ms < self.consumer_session_timeout_ms:
            yield "CONSUMER_REBALANCE_TIMEOUT_MS must not be below CONSUMER_SESSION_TIMEOUT_MS"
        if self.consumer_heartbeat_ms * 3 > self.consumer_session_timeout_ms:
            yield "CONSUMER_HEARTBEAT_MS must be at most a third of CONSUMER_SESSION_TIMEOUT_MS"
        if self.consumer_drain_ms * 2 > self.consumer_rebalance_timeout_ms:
            yield "CONSUMER_DRAIN_MS must be at most half of CONSUMER_REBALANCE_TIMEOUT_MS"
        if self.kafka_embedded == "off" and not self.kafka_bootstrap_servers.strip():
            yield "KAFKA_BOOTSTRAP_SERVERS is empty and KAFKA_EMBEDDED=off: name a broker, for example kafka:9092"
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            yield "KAFKA_SECURITY_PROTOCOL needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"

    @property
    def embedded(self) -> bool:
        """Whether the service brings its own broker."""
        return not self.kafka_bootstrap_servers.strip()

    def instance_id(self, group: str) -> str | None:
        """Kafka's `group.instance.id` of this process in `group`; None: it is no static member."""
        return None if self.consumer_instance_id is None else f"{self.consumer_instance_id}-{group}"


def load_settings(env_file: str | None = ".env") -> Settings:
    """The settings of this process. Raises SettingsInvalid listing every fault with its variable's name."""
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]  # pydantic-settings adds it
    except ValidationError as error:
        faults = [_fault(detail["loc"], detail["msg"]) for detail in error.errors(include_url=False)]
        raise SettingsInvalid(faults) from None


def _fault(loc: tuple[int | str, ...], message: str) -> Fault:
    message = message.removeprefix("Value error, ")
    return Fault(str(loc[0]).upper() if loc else "", message)


def misspelled(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """(name, the setting it resembles) for every variable that looks like a misspelt setting.

    Names that are far from any setting are left alone: platforms inject `KAFKA_PORT` and the like.
    """
    known = {name.upper() for name in Settings.model_fields}
    candidates = (name for name in environment if name.startswith(PREFIXES) and name not in known)
    pairs = []
    for name in candidates:
        if near := difflib.get_close_matches(name, known, n=1, cutoff=MISSPELLED_CUTOFF):
            pairs.append((name, near[0]))
    return pairs
