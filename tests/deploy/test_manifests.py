"""The manifests are valid, agree with each other and with the settings, and keep the promises of the image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.kafka.embedded.jars import IMAGE
from app.settings import Settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
FILES = sorted(path for path in KUBERNETES.glob("*.yaml") if path.stem != "kustomization")
VERSIONS = ("1.29", "1.33", "1.36")


def manifests() -> Iterator[dict[str, Any]]:
    for path in FILES:
        yield from yaml.safe_load_all(path.read_text())


def manifest(kind: str) -> dict[str, Any]:
    return next(found for found in manifests() if found["kind"] == kind)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_manifest_is_what_kubernetes_takes(path: Path, version: str) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelled_field_is_found() -> None:
    document = manifest("StatefulSet")
    document["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[0], strict=True)


def test_the_kustomization_lists_every_file() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == [path.name for path in FILES]


def test_what_selects_pods_selects_those_of_the_stateful_set() -> None:
    labels = manifest("StatefulSet")["spec"]["template"]["metadata"]["labels"]
    selectors = [found["spec"]["selector"] for found in manifests() if found["kind"] == "Service"]
    selectors += [manifest(kind)["spec"]["selector"]["matchLabels"] for kind in ("StatefulSet", "PodDisruptionBudget")]
    assert all(selector.items() <= labels.items() for selector in selectors)


def test_the_configuration_is_one_that_the_service_takes() -> None:
    data = manifest("ConfigMap")["data"]
    settings = Settings.model_validate({name.lower(): value for name, value in data.items()}, extra="forbid")
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]
    assert settings.http_drain_wait_s >= 5
    assert pod["terminationGracePeriodSeconds"] > settings.shutdown_timeout_s > settings.http_drain_wait_s


def test_the_pod_may_do_nothing_that_it_does_not_need() -> None:
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_each_pod_is_a_static_member_by_its_name() -> None:
    (container,) = manifest("StatefulSet")["spec"]["template"]["spec"]["containers"]
    (instance,) = [entry for entry in container["env"] if entry["name"] == "CONSUMER_INSTANCE_ID"]
    assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_the_probes_ask_what_is_open_without_a_key() -> None:
    (container,) = manifest("StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


def test_pods_are_scaled_by_a_metric_that_the_rules_record() -> None:
    metric = manifest("HorizontalPodAutoscaler")["spec"]["metrics"][0]["external"]["metric"]
    adapter = yaml.safe_load((ROOT / "deploy" / "prometheus" / "adapter.yml").read_text())["externalRules"][0]
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
    assert metric["name"] == adapter["name"]["as"]
    assert adapter["name"]["matches"] in {rule["record"] for rule in rules}


def test_three_brokers_and_three_instances_fit_together() -> None:
    composed = yaml.safe_load((ROOT / "deploy" / "compose.cluster.yml").read_text())
    services = composed["services"]
    brokers = {name: found for name, found in services.items() if name.startswith("kafka-")}
    instances = {name: found for name, found in services.items() if name.startswith("demijohn-")}
    assert {found["image"] for found in brokers.values()} == {IMAGE}
    assert len({found["environment"]["KAFKA_NODE_ID"] for found in brokers.values()}) == len(brokers) == 3
    assert len({found["environment"]["CONSUMER_INSTANCE_ID"] for found in instances.values()}) == len(instances) == 3
    for found in instances.values():
        settings = Settings.model_validate(
            {name.lower(): value for name, value in found["environment"].items()}, extra="forbid"
        )
        assert {server.split(":")[0] for server in settings.kafka_bootstrap_servers.split(",")} == brokers.keys()
        assert set(found["depends_on"]) == brokers.keys()
        assert int(found["stop_grace_period"].removesuffix("s")) > settings.shutdown_timeout_s
    ports = [port for found in services.values() for port in found["ports"]]
    assert len(set(ports)) == len(ports)
    assert all(port.startswith("127.0.0.1:") for port in ports)
