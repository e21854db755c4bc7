"""A real Kafka that asks everybody who they are: SASL over TLS, mutual TLS, a listener whose certificate has another
name, and rights. Its certificates are made here; on the plain listener everybody may do everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, resolve_jars
from tests.service_process import free_port

USER, PASSWORD = "demijohn", "kept-to-oneself"
MODULES = "org.apache.kafka.common.security"
WAIT_S = 10
PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},{ours}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},{ours}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL,MISNAMED:SASL_SSL
inter.broker.listener.name=PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.truststore.type=PEM
ssl.keystore.location={directory}/broker.pem
ssl.truststore.location={directory}/ca.pem
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.principal.mapping.rules=RULE:^.*CN=([^,]+).*$/$1/
listener.name.misnamed.ssl.keystore.location={directory}/misnamed.pem
"""
SASL_PROPERTIES = """
listener.name.{name}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.{name}.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{user}="{password}";
listener.name.{name}.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;
"""


class Right(NamedTuple):
    """An operation on what has that name; one that ends with `*` stands for all that begin so."""

    kind: ResourceType
    name: str
    operation: AclOperation

    @property
    def pattern(self) -> ResourcePatternType:
        return ResourcePatternType.PREFIXED if self.name.endswith("*") else ResourcePatternType.LITERAL

    def binding(self, permission: AclPermissionType) -> AclBinding:
        name = self.name.removesuffix("*")
        return AclBinding(self.kind, name, self.pattern, f"User:{USER}", "*", self.operation, permission)

    def filter(self, permission: AclPermissionType) -> AclBindingFilter:
        name = self.name.removesuffix("*")
        return AclBindingFilter(self.kind, name, self.pattern, f"User:{USER}", "*", self.operation, permission)


class SecuredKafka:
    """One broker. `sasl`, `mutual_tls`, `misnamed` and `plain` are its bootstrap servers, by listener."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._authority = trustme.CA()
        self.ca = directory / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))
        self._certificate("broker", "127.0.0.1")
        self._certificate("misnamed", "elsewhere.example")
        ports = [free_port() for _ in range(3)]
        self.sasl, self.mutual_tls, self.misnamed = (f"127.0.0.1:{port}" for port in ports)
        resolve_jars()
        options = node_options(DEFAULT_DIRECTORY, heap_mib=256)
        known = ApacheCluster(directory / "kafka", options=options).nodes[0].ports
        properties = self._properties(known.broker, known.controller)
        self._cluster = ApacheCluster(directory / "kafka", options=replace(options, properties=properties))
        self.plain = self._cluster.bootstrap_servers

    def _properties(self, plain: int, controller: int) -> dict[str, str]:
        ours = f"SASL://{self.sasl},MUTUAL://{self.mutual_tls},MISNAMED://{self.misnamed}"
        text = PROPERTIES.format(plain=plain, controller=controller, ours=ours, directory=self._directory)
        for name in ("sasl", "misnamed"):
            text += SASL_PROPERTIES.format(name=name, modules=MODULES, user=USER, password=PASSWORD)
        lines = (line.partition("=") for line in text.split("\n") if line)
        return {name: value for name, _, value in lines}

    def _certificate(self, name: str, *identities: str, user: str | None = None, days: float = 1) -> Path:
        """Key and certificate in one file, the key as Java reads it."""
        until = datetime.now(UTC) + timedelta(days=days)
        begin = until - timedelta(days=2)
        issued = self._authority.issue_cert(*identities, common_name=user, not_before=begin, not_after=until)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        path = self._directory / f"{name}.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(pem + b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return path

    async def start(self) -> None:
        await self._cluster.start()
        self.admin = AdminClient({"bootstrap.servers": self.plain, "log_level": 0})
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(USER, scram, PASSWORD.encode())
        await done(self.admin.alter_user_scram_credentials([change]).values())

    async def stop(self) -> None:
        await self._cluster.stop(0)

    def by_sasl(self, mechanism: str = "SCRAM-SHA-512", **changes: object) -> dict[str, object]:
        """Settings of a service that says a user's name and password over TLS."""
        return {
            "kafka_bootstrap_servers": self.sasl,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": mechanism,
            "kafka_sasl_username": USER,
            "kafka_sasl_password": PASSWORD,
            "kafka_ssl_cafile": str(self.ca),
            **changes,
        }

    def by_certificate(self, days: float = 1, **changes: object) -> dict[str, object]:
        """Settings of a service that shows a certificate, which ends in so many days."""
        certificate = self._certificate(f"client-{days:g}", "client.example", user=USER, days=days)
        return {
            "kafka_bootstrap_servers": self.mutual_tls,
            "kafka_security_protocol": "SSL",
            "kafka_ssl_cafile": str(self.ca),
            "kafka_ssl_certfile": str(certificate),
            "kafka_ssl_keyfile": str(certificate),
            **changes,
        }

    async def allow(self, *rights: Right) -> None:
        await self._add(rights, AclPermissionType.ALLOW)

    async def forbid(self, *rights: Right) -> None:
        """A prohibition goes over every permission."""
        await self._add(rights, AclPermissionType.DENY)

    async def _add(self, rights: Iterable[Right], permission: AclPermissionType) -> None:
        await done(self.admin.create_acls([right.binding(permission) for right in rights]).values())

    async def forbid_no_more(self, *rights: Right) -> None:
        filters = [right.filter(AclPermissionType.DENY) for right in rights]
        await done(self.admin.delete_acls(filters).values())


async def done(futures: Iterable[Future[Any]]) -> None:
    """Waits until Kafka has done what was asked. Raises what it refused with."""
    await asyncio.gather(*(asyncio.to_thread(future.result, WAIT_S) for future in futures))
