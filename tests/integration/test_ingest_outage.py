"""Kafka away: 202 from disk, 503 when the disk's share is full, and everything accepted arrives once it is back."""

from __future__ import annotations

import json
from typing import Any

import httpx

from deploy.stack import EmbeddedKafka
from deploy.stack import topics as stack_topics
from ioc import topics
from ioc.settings import Settings
from tests.integration.ingesting import Ingest, bearer, ingest, make_key, records, ticket
from tests.integration.portal_calls import ALL_PERSONAL, SECRETS, OneStop, dossier, upsert
from tests.integration.streaming import wait_until
from tests.servers import Servers

BATCH = "application/cloudevents-batch+json"


def _post(process: Ingest, key: str, events: list[dict[str, Any]]) -> httpx.Response:
    return httpx.post(
        f"{process.url}/ingest/v1/events",
        content=json.dumps(events).encode(),
        headers={"Content-Type": BATCH, **bearer(key)},
        timeout=60,
    )


def _settings(servers: Servers, kafka: EmbeddedKafka, **more: Any) -> Settings:
    settings = servers.new_settings(
        database=servers.new_database(),
        with_topics=False,
        kafka=kafka.bootstrap_servers,
        kafka_wait_s=0.5,
        portal_login=f"{SECRETS[1]}:{SECRETS[0]}",
        **more,
    )
    stack_topics.ensure(settings)
    return settings


def test_an_outage_is_survived_with_a_kill_in_the_middle(
    servers: Servers, private_kafka: EmbeddedKafka
) -> None:
    settings = _settings(servers, private_kafka)
    key = make_key(settings)
    with ingest(settings) as process:
        assert _post(process, key, [ticket(1)]).status_code == 200
        private_kafka.stop()
        spooled = _post(process, key, [ticket(n) for n in range(2, 12)])
        assert (spooled.status_code, spooled.json()["fate"]) == (202, "spooled")
        system = OneStop(f"{process.url}/ingest/v1/dvcqg")
        system.log_in()
        portal = system.call(upsert(dossier("away")))
        assert (portal.status_code, portal.json()["error_code"]) == (202, "00")
        on_disk = b"".join(p.read_bytes() for p in settings.state_dir.rglob("*") if p.is_file()).decode(
            "utf-8", "replace"
        )
        assert not [text for text in ALL_PERSONAL if text in on_disk]
        assert httpx.get(f"{process.url}/health/ready").status_code == 200, "it still takes facts"
        process.kill()
    with ingest(settings) as process:
        assert _post(process, key, [ticket(12)]).status_code == 202
        private_kafka.start()
        private_kafka.wait_ready()
        wait_until(
            lambda: (
                {r["id"] for r in records(settings, topics.QUEUES)} == {f"kiosk-1-{n}" for n in range(1, 13)}
            ),
            within_s=120,
            what="every accepted event is in Kafka",
        )
        wait_until(
            lambda: _post(process, key, [ticket(13)]).status_code == 200, within_s=60, what="direct again"
        )
    order = list(dict.fromkeys(r["id"] for r in records(settings, topics.QUEUES)))
    assert order == [f"kiosk-1-{n}" for n in range(1, 14)], "in order per key"
    assert [r["subject"] for r in records(settings, topics.DOSSIERS)][:1] == ["away"]


def test_a_full_spool_refuses_clearly_and_gives_the_quota_back(
    servers: Servers, private_kafka: EmbeddedKafka
) -> None:
    settings = _settings(servers, private_kafka, spool_bytes=1024 * 1024)
    key = make_key(settings, quota_per_minute=1_000_000)
    with ingest(settings) as process:
        private_kafka.stop()
        answers = []
        for start in range(0, 20_000, 500):
            answers.append(_post(process, key, [ticket(n) for n in range(start, start + 500)]))
            if answers[-1].status_code == 503:
                break
        *taken, refused = answers
        assert {answer.status_code for answer in taken} == {202}
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/spool-full"
        assert int(refused.headers["retry-after"]) > 0
        before = int(taken[-1].headers["ratelimit-remaining"])
        assert int(refused.headers["ratelimit-remaining"]) >= before - 2
        assert httpx.get(f"{process.url}/health/ready").status_code == 503
        system = OneStop(f"{process.url}/ingest/v1/dvcqg")
        system.log_in()
        big = system.call(upsert(*(dossier(f"full-{n}") for n in range(500))))
        assert (big.status_code, big.json()["error_code"]) == (503, "09")
        private_kafka.start()
        private_kafka.wait_ready()
        accepted = 500 * len(taken)
        wait_until(
            lambda: len({r["id"] for r in records(settings, topics.QUEUES)}) == accepted,
            within_s=120,
            what="all that was accepted, and nothing else",
        )
        again = wait_until(
            lambda: (
                (a := system.call(upsert(*(dossier(f"full-{n}") for n in range(500))))).status_code == 200
                and a
            ),
            within_s=60,
            what="what was refused is taken when it is sent again",
        )
        assert again.json()["error_code"] == "00"
    states = [r["data"]["state"] for r in records(settings, topics.CONNECTORS) if r["data"].get("changed")]
    assert "full" in states, "the change that could not be sent at the time was sent later"
    assert {r["subject"] for r in records(settings, topics.DOSSIERS)} == {f"full-{n}" for n in range(500)}
