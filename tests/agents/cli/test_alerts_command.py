"""`touchstream alerts`: the open alerts, and a rep's answers to them."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import msgspec
import orjson
import pytest
import structlog

from bench.services.redis import RedisServer
from tests.agents.cli.command import Output, touchstream
from tests.make import moment, silent, state_of
from touchstream.agents import clients
from touchstream.agents.alert_search import PAGE, find_alerts
from touchstream.agents.cli.alert_answers import until_of
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.cli.main import app
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.settings import KafkaSettings
from touchstream.agents.stores.base import Commit, Fence, Store
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.stores.redis import connect
from touchstream.schemas.shards import shard_name, shard_names
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.projections.alert_state import AlertsState, OpenAlert, Snoozed
from touchstream.streams.projections.alerts import Alerts
from touchstream.streams.projections.indexes import alert_indexes
from touchstream.streams.state import Slot, encode

CapturedFiles = pytest.CaptureFixture[str]
SHARDS = shard_names(2)
SILENT = silent(19.3, None)
ADA, BOB, CY = "0a" * 16, "0b" * 16, "0c" * 16
NOBODY = "ff" * 16
LEAVES = "May leave  high risk, 82 %"


def alert_of(name: str, value_minor: int, kind: str = "churn", **fields: object) -> OpenAlert:
    alert = OpenAlert(
        kind=kind,
        id=bytes.fromhex(name),
        raised_ms=moment("d3"),
        expires_ms=moment("d17"),
        band="high",
        millionths=820_000,
        value_minor=value_minor,
        value_from="orders",
        reasons=(SILENT,),
    )
    return msgspec.structs.replace(alert, **fields)


HELD: Mapping[str, AlertsState] = {
    "ada": AlertsState(
        "vip",
        "ali",
        (
            alert_of(
                ADA,
                100_000,
                action="call_by_owner",
                decision=bytes(range(16)),
                recommended_ms=moment("d3"),
            ),
        ),
    ),
    "bob": AlertsState(
        "support", None, (alert_of(BOB, 50_000, snoozed=Snoozed(moment("d20"), 900_000)),)
    ),
    "cy": AlertsState("support", "ali", (alert_of(CY, 10_000, kind="engagement"),)),
}


async def filled(store: Store, held: Mapping[str, AlertsState] = HELD) -> Store:
    """Both shards, as a commit of these alerts leaves them."""
    await store.claim_partitions(len(SHARDS))
    commits = []
    for number, shard in enumerate(SHARDS):
        states, indexes = {}, dict[str, dict[str, float | None]]()
        for customer, alerts in held.items():
            if shard_name(partition_of(customer.encode(), len(SHARDS))) == shard:
                state = state_of(risk=0.82, band="high", crossing=Crossing(moment("d2"), up=True))
                slots = (*state.slots, Slot(Alerts.slot, None, alerts))
                states[customer] = encode(msgspec.structs.replace(state, slots=slots))
                for index, score in alert_indexes(alerts).items():
                    indexes.setdefault(index, {})[customer] = score
        record = encode_checkpoint(ShardCheckpoint(tick=7 + number, watermark_ms=moment("d9")))
        commits.append(Commit(shard, None, Fence(1, 1), record, states, indexes=indexes))
    assert await store.commit(commits) == [True, True]
    return store


async def test_an_alert_is_found_by_its_id_on_any_shard() -> None:
    found = await find_alerts(await filled(MemoryStore()), SHARDS, [ADA, BOB, NOBODY])
    assert {alert: row.customer for alert, row in found.items()} == {ADA: "ada", BOB: "bob"}


async def test_an_alert_of_low_priority_is_found_behind_many_others() -> None:
    many = {f"c{number}": HELD["ada"] for number in range(PAGE + 1)}
    store = await filled(MemoryStore(), {**many, "cy": HELD["cy"]})
    assert (await find_alerts(store, SHARDS, [CY]))[CY].customer == "cy"


async def test_where_no_alert_is_open_none_is_found() -> None:
    assert await find_alerts(await filled(MemoryStore(), {}), SHARDS, [ADA]) == {}


@pytest.mark.parametrize("text", ["2", "2y", "0d", "-1d", "d", ""])
def test_another_duration_is_bad_usage(text: str) -> None:
    with pytest.raises(BadUsage, match="want a duration such as 30m, 4h, 2d or 1w"):
        until_of(None, text)


def test_a_snooze_until_the_past_is_bad_usage() -> None:
    with pytest.raises(BadUsage, match="--until='1997-01-01': want a time in the future"):
        until_of("1997-01-01", None)


def test_a_snooze_has_one_end_in_time() -> None:
    with pytest.raises(BadUsage, match="--until, --for: want one of them"):
        until_of("2999-01-01", "2d")


def test_without_a_time_the_core_decides() -> None:
    assert until_of(None, None) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--language", "de"), "--language='de': want en or tr"),
        (("done", ADA, "--rep", "eve"), "--rep='eve': want a rep of [[reps]]: ali"),
        (
            ("done", ADA, "--outcome", "paid"),
            "--outcome='paid': want sent, delivered, seen, accepted, declined, failed",
        ),
        (
            ("done", ADA, "--outcome", "accepted", "--customer", "ada"),
            "--outcome: want no --customer: the open alert names the decision",
        ),
        (
            ("noise", ADA, "--reason", ""),
            f"alert '{ADA}': Expected `str` of length >= 1 - at `$.reason`",
        ),
    ],
    ids=["language", "rep", "outcome", "outcome-of-a-customer", "reason"],
)
def test_bad_usage_ends_with_2_and_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "touchstream.toml").write_text('[[reps]]\nid = "ali"\n')
    output = touchstream("alerts", *arguments, cwd=tmp_path)
    assert (output.code, output.out, output.err) == (2, "", f"touchstream: {said}\n")


class Shop:
    """A deployment with three open alerts, and the command in this process, whose imports are done.

    The exit codes and lines of a process of its own are above.
    """

    def __init__(
        self, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: CapturedFiles
    ) -> None:
        self.settings = settings
        self._kafka = KafkaSettings(bootstrap=settings["KAFKA__BOOTSTRAP"])
        self._monkeypatch, self._capfd = monkeypatch, capfd
        for name, value in settings.items():
            monkeypatch.setenv(f"TOUCHSTREAM_{name}", value)

    def alerts(self, *arguments: str) -> Output:
        self._monkeypatch.setattr(sys, "argv", ["touchstream", "alerts", *arguments])
        return Output(exit_code(app), *self._capfd.readouterr())

    def sent(self) -> list[tuple[bytes, str, dict[str, object]]]:
        """Key, type and data of every touchpoint."""
        with clients.consumer(self._kafka, "touchpoints") as consumer:
            records = list(read(consumer, whole(consumer, "touchpoints")))
        events = [(one.key, orjson.loads(one.value)) for one in records]
        return [(key, event["type"], event["data"]) for key, event in events]


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"touchpoints": 2}) as found:
        yield found


@pytest.fixture
def shop(
    tmp_path: Path,
    redis_server: RedisServer,
    broker: EmbeddedBroker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: CapturedFiles,
) -> Iterator[Shop]:
    name = f"shop-{uuid4().hex[:8]}"

    async def fill() -> None:
        store = connect(redis_server.url, name)
        await filled(store)
        await store.close()

    asyncio.run(fill())
    monkeypatch.chdir(tmp_path)
    settings = {
        "NAMESPACE": name,
        "REDIS__URL": redis_server.url,
        "KAFKA__PARTITIONS": "2",
        "KAFKA__BOOTSTRAP": broker.bootstrap,
    }
    yield Shop(settings, monkeypatch, capfd)
    structlog.reset_defaults()


def test_the_list_says_whose_how_urgent_why_and_what_to_do(shop: Shop) -> None:
    shown = shop.alerts("list", "--top", "2")
    assert (shown.code, shown.err) == (0, "")
    first, second, last = shown.out.splitlines()
    assert first.startswith(f"{ADA}  ada  {LEAVES}  Priority 820.00 EUR  Raised ")
    assert first.endswith("ago  ali  silent for 19 days  Suggested: Call the customer")
    assert second.startswith(f"{BOB}  bob  {LEAVES}  Priority 410.00 EUR  Raised ")
    assert second.endswith("  silent for 19 days  snoozed until 21 Jan 1997, 00:00 UTC")
    assert last == (
        "2 shown; 3 customers have an open alert (as of tick 7, 1997-01-10T00:00:00.000Z)"
    )


def test_programs_read_a_line_an_alert(shop: Shop) -> None:
    listed = shop.alerts("list", "--json", "--owner", "ali", "--queue", "vip")
    assert (listed.code, listed.out.count("\n")) == (0, 1)
    assert json.loads(listed.out) == {
        "alert": ADA,
        "customer": "ada",
        "kind": "churn",
        "band": "high",
        "risk": 0.82,
        "priority": {
            "score": 82_000.0,
            "risk": 0.82,
            "value_minor": 100_000,
            "currency": "EUR",
            "value_from": "orders",
            "saveability": 1.0,
        },
        "raised": "1997-01-04T00:00:00.000Z",
        "expires": "1997-01-18T00:00:00.000Z",
        "band_since": "1997-01-03T00:00:00.000Z",
        "owner": "ali",
        "queue": "vip",
        "reasons": ["silent for 19 days"],
        "action": "call_by_owner",
        "recommended": "1997-01-04T00:00:00.000Z",
        "decision": bytes(range(16)).hex(),
        "snoozed": None,
        "claimed_by": None,
        "acknowledged_by": None,
        "rating": None,
    }


@pytest.mark.parametrize(
    ("options", "alerts"),
    [
        ((), [ADA, BOB, CY]),
        (("--queue", "support"), [BOB, CY]),
        (("--owner", "ali"), [ADA, CY]),
        (("--kind", "engagement", "--top", "1"), [CY]),
        (("--owner", "eve"), []),
    ],
    ids=["all", "queue", "owner", "kind", "nobody"],
)
def test_the_list_is_of_a_queue_a_rep_or_a_kind(
    shop: Shop, options: tuple[str, ...], alerts: list[str]
) -> None:
    listed = shop.alerts("list", "--json", *options)
    assert listed.code == 0
    assert [json.loads(line)["alert"] for line in listed.out.splitlines()] == alerts


def test_nothing_to_do_is_said_plainly_and_in_no_line_for_a_program(shop: Shop) -> None:
    said = "no alert of owner eve is open (as of tick 7, 1997-01-10T00:00:00.000Z)\n"
    assert shop.alerts("list", "--owner", "eve") == Output(0, said, "")
    assert shop.alerts("list", "--owner", "eve", "--json") == Output(0, "", said)


def test_an_alert_is_shown_with_how_its_priority_comes_about(shop: Shop) -> None:
    shown = shop.alerts("show", ADA, "--language", "tr")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0] == ADA
    assert "Müşteri: ada" in lines
    assert "Neden: 19 gündür sessiz" in lines
    factors = lines[-1].rpartition(": ")[2].split(" \N{MULTIPLICATION SIGN} ")
    assert factors == ["%82", "1.000,00 EUR", "%100"]


def test_an_answer_becomes_feedback_on_the_customers_partition(shop: Shop) -> None:
    output = shop.alerts("done", ADA, CY, ADA, "--rep", "ali", "--useful", "--reason", "called")
    assert output == Output(0, f"{ADA}  ada  resolved: sent\n{CY}  cy  resolved: sent\n", "")
    same = {"verdict": "resolved", "rep": "ali", "rating": "useful", "reason": "called"}
    assert sorted(shop.sent()) == [
        (b"ada", "alert.feedback", {"alert": ADA, **same}),
        (b"cy", "alert.feedback", {"alert": CY, **same}),
    ]


def test_the_outcome_of_the_recommended_action_goes_along(shop: Shop) -> None:
    assert shop.alerts("done", ADA, "--outcome", "accepted").code == 0
    [outcome, feedback] = shop.sent()
    decided = {"decision": bytes(range(16)).hex(), "action": "call_by_owner"}
    assert outcome == (b"ada", "action.outcome", {**decided, "outcome": "accepted"})
    assert feedback == (b"ada", "alert.feedback", {"alert": ADA, "verdict": "resolved"})


@pytest.mark.parametrize(
    ("arguments", "data"),
    [
        (("ack", BOB), {"verdict": "acknowledged"}),
        (("noise", BOB), {"verdict": "false_alarm", "rating": "noise"}),
        (
            ("snooze", BOB, "--until", "2999-01-31"),
            {"verdict": "snoozed", "until": "2999-01-31T00:00:00Z"},
        ),
        (
            ("snooze", BOB, "--worse-by", ".1", "--next-touchpoint"),
            {"verdict": "snoozed", "worse_by": 0.1, "next_touchpoint": True},
        ),
    ],
    ids=["ack", "noise", "until", "worse"],
)
def test_each_answer_has_its_verdict(
    shop: Shop, arguments: tuple[str, ...], data: dict[str, object]
) -> None:
    output = shop.alerts(*arguments, "--json")
    assert json.loads(output.out) == {"customer": "bob", "alert": BOB, **data}
    assert shop.sent() == [(b"bob", "alert.feedback", {"alert": BOB, **data})]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("done", ADA, NOBODY),
            f"no open alert {NOBODY} in namespace '{{}}': it was cleared, or the id is wrong; see "
            "`touchstream alerts list`; nothing was sent",
        ),
        (
            ("done", ADA, BOB, "--outcome", "accepted"),
            f"alert {BOB}: no action was recommended, so none has an outcome; nothing was sent",
        ),
    ],
    ids=["unknown", "no-action"],
)
def test_one_wrong_alert_and_nothing_is_sent(
    shop: Shop, arguments: tuple[str, ...], said: str
) -> None:
    line = said.format(shop.settings["NAMESPACE"])
    assert shop.alerts(*arguments) == Output(1, "", f"touchstream: {line}\n")
    assert shop.sent() == []


def test_a_cleared_alert_is_rated_with_the_customer_given(shop: Shop) -> None:
    assert shop.alerts("noise", NOBODY, "--customer", "dan").code == 0
    rated = {"alert": NOBODY, "verdict": "false_alarm", "rating": "noise"}
    assert shop.sent() == [(b"dan", "alert.feedback", rated)]


def test_of_two_reps_the_first_has_the_alert_and_acknowledges_it(shop: Shop) -> None:
    assert shop.alerts("claim", BOB, "--rep", "ali") == Output(
        0, f"{BOB}  bob  claimed by ali\n", ""
    )
    late = shop.alerts("claim", BOB, "--rep", "eve")
    assert late == Output(1, "", f"touchstream: alert {BOB}: ali has claimed it already\n")
    acknowledged = {"alert": BOB, "verdict": "acknowledged", "rep": "ali"}
    assert shop.sent() == [(b"bob", "alert.feedback", acknowledged)]

    listed = shop.alerts("list", "--kind", "churn")
    [_, second, _] = listed.out.splitlines()
    assert "  claimed by ali  snoozed until " in second
    assert json.loads(shop.alerts("show", BOB, "--json").out)["claimed_by"] == "ali"


def test_a_claim_is_given_back_by_the_rep_who_has_it(shop: Shop) -> None:
    shop.alerts("claim", ADA, "--rep", "ali")
    other = shop.alerts("release", ADA, "--rep", "eve")
    said = f"touchstream: alert {ADA}: eve has not claimed it, or the claim is over\n"
    assert other == Output(1, "", said)
    assert shop.alerts("release", ADA, "--rep", "ali") == Output(0, f"{ADA}  released\n", "")
    assert [data["verdict"] for _, _, data in shop.sent()] == ["acknowledged", "released"]
    assert shop.alerts("claim", ADA, "--rep", "eve").code == 0


def test_a_claim_stays_if_nobody_can_be_told_that_it_is_given_back(
    shop: Shop, tmp_path: Path
) -> None:
    shop.alerts("claim", ADA, "--rep", "ali")
    # In a process of its own, as below.
    settings = {**shop.settings, "KAFKA__BOOTSTRAP": "127.0.0.1:1"}
    arguments = ("alerts", "release", ADA, "--rep", "ali", "--timeout", "1")
    output = touchstream(*arguments, cwd=tmp_path, settings=settings)
    assert (output.code, output.out, output.err.count("\n")) == (1, "", 1)
    assert json.loads(shop.alerts("show", ADA, "--json").out)["claimed_by"] == "ali"


def test_a_claim_that_nobody_can_be_told_of_is_given_back(shop: Shop, tmp_path: Path) -> None:
    # In a process of its own: a Kafka client that finds no broker outlives its command a while.
    settings = {**shop.settings, "KAFKA__BOOTSTRAP": "127.0.0.1:1"}
    arguments = ("alerts", "claim", ADA, "--rep", "ali", "--timeout", "1")
    output = touchstream(*arguments, cwd=tmp_path, settings=settings)
    assert (output.code, output.out, output.err.count("\n")) == (1, "", 1)
    assert output.err.startswith("touchstream: kafka.bootstrap='127.0.0.1:1' (topic touchpoints)")
    assert json.loads(shop.alerts("show", ADA, "--json").out)["claimed_by"] is None


def test_an_alert_that_is_not_open_is_claimed_by_nobody(shop: Shop) -> None:
    output = shop.alerts("claim", NOBODY, "--rep", "ali")
    assert output.code == 1
    assert output.err.startswith(f"touchstream: no open alert {NOBODY} in namespace")
