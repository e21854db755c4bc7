"""One of three brokers is killed: the cluster page says which partitions lack a replica or a leader, and which broker
is down."""

from __future__ import annotations

import pytest

from app.kafka.admin.protocol import NewTopic
from app.kafka.embedded.apache import ApacheCluster
from tests.dashboard.real_service import real_service
from tests.waiting import until

WAIT_S = 10.0


@pytest.mark.timeout(180)
async def test_it_names_it_and_forgets_it_when_it_is_back(three_quick_brokers: ApacheCluster) -> None:
    async with real_service(three_quick_brokers.bootstrap_servers) as running:
        admin = running.service.services.admin
        await admin.create_topic(NewTopic("thrice", 3, 3, {"min.insync.replicas": "3"}), timeout_s=WAIT_S)
        await admin.create_topic(NewTopic("twice", 3, 3, {"min.insync.replicas": "2"}), timeout_s=WAIT_S)
        await admin.create_topic(NewTopic("once", 3, 1), timeout_s=WAIT_S)

        async def troubles() -> dict[tuple[str, int], dict[str, object]]:
            response = await running.http.get("/dashboard/cluster", params={"per_page": 1000})
            rows = response.json()["troubled"]["rows"] if response.status_code == 200 else []
            return {(row["topic"], row["partition"]): row for row in rows}

        async def well() -> bool:
            return len((await running.get("/dashboard/topics"))["table"]["rows"]) >= 3 and not await troubles()

        await until(well, "all is well", 30)
        killed = (await admin.topics(timeout_s=WAIT_S))["once"].partitions[0].leader
        index = [node.node_id for node in three_quick_brokers.nodes].index(killed)
        await three_quick_brokers.kill_node(index)

        async def all_told() -> bool:
            found = await troubles()
            kinds = {kind: sum(row["kind"] == kind for row in found.values()) for kind in ("under_min_isr", "offline")}
            twice = [found.get(("twice", number), {}).get("kind") for number in range(3)]
            named = all(str(killed) in str(row["detail"]) for row in found.values())
            return (
                named and kinds["under_min_isr"] >= 3 and kinds["offline"] == 1 and set(twice) == {"under_replicated"}
            )

        await until(all_told, "every partition in trouble is told", 60)
        found = await troubles()
        assert found["once", 0]["kind"] == "offline"
        assert f"broker {killed} must come back" in str(found["once", 0]["detail"])
        assert found["twice", 0]["detail"] == f"Broker {killed} is down."
        assert "min.insync.replicas is 3" in str(found["thrice", 0]["detail"])
        cluster = await running.get("/dashboard/cluster")
        assert cluster["down"] == [killed]
        assert {row["id"]: row["alive"] for row in cluster["brokers"]} == {
            node.node_id: node.node_id != killed for node in three_quick_brokers.nodes
        }
        assert cluster["controller"] not in (killed, None)
        await three_quick_brokers.start_node(index)

        async def none_left() -> bool:
            return not await troubles()

        await until(none_left, "nothing is told any more once it is back", 60)
