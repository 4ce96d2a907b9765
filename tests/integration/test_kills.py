"""Nothing is lost, doubled or reordered, whoever is killed and whatever Redis falls back to."""

import random
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.integration.deployment import FAST, FAST_RULES, Deployment, Role, wait_until
from tests.integration.oracle import differences
from tests.integration.services import own_services
from tests.integration.traffic import Traffic
from touchstream.schemas.topics import CHURN_RISK_TOPIC

SEED = 20261122
RULES = {
    **FAST_RULES,
    "CHURN__SNAPSHOT_EVERY_DAYS": "4",
    "INTAKE__IDS_PER_CUSTOMER": "1000",
    "TICKS__INTERVAL_S": "0.5",
}


class Havoc:
    """Kills whoever it is told to, and counts."""

    def __init__(self, deployment: Deployment, rng: random.Random) -> None:
        self.deployment = deployment
        self.rng = rng
        self.kills: Counter[str] = Counter()
        self.rollbacks = 0
        self._copies = 0

    def role(self, role: Role) -> None:
        """SIGKILL, at a moment between two instructions or right around a commit."""
        wait_until(lambda: role.running, f"{role.name} to run")
        moment = self.rng.choice(("now", "before", "after"))
        if moment == "now":
            role.send(signal.SIGKILL)
        else:
            role.trap.write_text(f"{moment} SIGKILL")
            pid = role.pid
            wait_until(lambda: not role.running or role.pid != pid, f"{role.name} to commit")
        self.kills[role.name.partition("-")[0]] += 1

    def broker(self) -> None:
        self.deployment.kafka.restart()
        self.kills["broker"] += 1

    def redis(self) -> None:
        self.deployment.redis.restart()
        self.kills["redis"] += 1

    def roll_back(self) -> None:
        """Redis comes back as it was one or two seconds ago."""
        copy = self._copy()
        time.sleep(self.rng.uniform(1.0, 2.0))
        self.deployment.redis.restart_on_copy(copy)
        self.rollbacks += 1

    def roll_back_a_version(self) -> None:
        """Redis forgets a version that was published, before any tick has named it."""
        learner = self.deployment.learner
        for _ in range(40):
            copy, known = self._copy(), self._version()
            time.sleep(0.5)
            wait_until(partial(self._is_published_after, known), "a version to be published")
            learner.send(signal.SIGSTOP)
            if max(self.deployment.versions_named()) <= known:
                self.deployment.redis.restart_on_copy(copy)
                learner.send(signal.SIGCONT)
                self.rollbacks += 1
                return
            learner.send(signal.SIGCONT)
        raise AssertionError("the learner never published a version without naming it at once")

    def _copy(self) -> Path:
        self._copies += 1
        copy = self.deployment.folder / f"redis-{self._copies}"
        return self.deployment.redis.copy_folder(copy)

    def _is_published_after(self, known: int) -> bool:
        return self._version() > known

    def _version(self) -> int:
        return self.deployment.checkpoint().knowledge.version


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_and_rollbacks_show_neither_in_states_nor_in_what_is_emitted(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    with (
        own_services(tmp_path) as (kafka, store),
        Deployment(
            kafka, store, tmp_path / "run", workers=2, ticks=True, speed=FAST, **RULES
        ) as deployment,
    ):
        deployment.wait_started()
        deployment.wait_ticking()
        havoc = Havoc(deployment, rng)
        with Traffic(deployment, SEED, customers=2_000, per_s=200) as traffic:
            wait_until(lambda: deployment.checkpoint().knowledge.version > 0, "a first version", 90)
            _devastate(havoc)
        deployment.drain()
        assert differences(deployment) == []
        assert deployment.checkpoint().knowledge.version > 3
        assert any(deployment.ends(CHURN_RISK_TOPIC))
        assert havoc.kills.total() >= 20
        assert set(havoc.kills) == {"worker", "learner", "broker", "redis"}
        assert havoc.rollbacks >= 5
        assert traffic.sent > 5_000


def _devastate(havoc: Havoc) -> None:
    deployment, rng = havoc.deployment, havoc.rng
    blows = [
        *(lambda: havoc.role(rng.choice(deployment.workers)),) * 9,
        *(lambda: havoc.role(deployment.learner),) * 5,
        *(havoc.broker,) * 3,
        *(havoc.redis,) * 4,
        *(havoc.roll_back,) * 4,
    ]
    rng.shuffle(blows)
    blows.insert(len(blows) // 2, havoc.roll_back_a_version)
    for blow in blows:
        blow()
        time.sleep(rng.uniform(0.3, 2.5))
