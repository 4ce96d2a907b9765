"""Channel: where and when the customer comes of their own accord."""

import pytest

from tests.make import arrival, days, event, folded, last_state, live, models, state_of
from touchstream.agents.state_view import as_json
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.units import CustomerId
from touchstream.streams.projections.channel import CHANNELS, Channel, ChannelState, posterior
from touchstream.streams.projections.projection import Context
from touchstream.streams.projections.registry import slots_of

CHANNEL = Channel()
SATURDAY = "1997-01-04"


def context() -> Context:
    visit, serving = event("web.visit", "d0"), models("d0")
    slots, profile = slots_of(state_of()), folded(visit)
    ada = CustomerId("ada")
    return Context(ada, profile, None, serving, serving.rules, days(0), visit, slots)


def after(*happened: Event, state: ChannelState | None = None) -> ChannelState | None:
    """The state after some events; None if none of them was a contact."""
    for one in happened:
        update = CHANNEL.on_event(state, one, context())
        state = state if update is None else update.state
    return state


def shown(*happened: Event) -> dict[str, object]:
    state = after(*happened)
    assert state is not None
    return dict(CHANNEL.describe(state, None, days(0)))


def calls(number: int, at: str = f"{SATURDAY}T20:15:00Z") -> list[Event]:
    return [event("call.ended", at, call=f"c{place}") for place in range(number)]


def test_the_preferred_channel_and_hour_are_those_of_most_contacts() -> None:
    visit = event("web.visit", "1997-01-06T09:00:00Z")
    assert shown(*calls(3), visit) == {
        "channel": "call",
        "channel_share": 0.3241,  # (3 + 8 / 9) / 12
        "hour": "Sat 20:00 UTC",
        "hour_probability": 0.0959,  # (3 + 8 / 7) / 12 * (3 + 8 / 24) / 12
        "n": 4,
    }


def test_one_contact_hardly_moves_the_posterior() -> None:
    found = shown(*calls(1))
    assert (found["channel"], found["channel_share"]) == ("call", 0.2099)  # (1 + 8 / 9) / 9


@pytest.mark.parametrize(
    "happened",
    [
        event("email.delivered", "d0"),
        event("ticket.replied", "d0", by="agent"),
        event("call.ended", "d0", direction="outbound"),
        event("payment.failed", "d0"),
    ],
    ids=lambda happened: happened.type,
)
def test_a_contact_that_we_made_does_not_count(happened: Event) -> None:
    assert after(happened) is None


def test_an_order_counts_for_the_hour_but_for_no_channel() -> None:
    found = shown(event("order.placed", "d3 18:30"))
    assert (found["channel"], found["hour"], found["n"]) == (None, "Sat 18:00 UTC", 1)


def test_a_stamp_of_the_day_alone_is_no_hour() -> None:
    found = shown(*[event("store.visited", f"d{day}", store="s1") for day in (3, 10)])
    assert (found["channel"], found["hour"], found["n"]) == ("store", None, 2)


@pytest.mark.parametrize(
    ("at", "hour"),
    [
        ("1997-01-05T23:59:59.999Z", "Sun 23:00 UTC"),
        ("1997-01-06T00:00:00.001Z", "Mon 00:00 UTC"),
        ("1996-12-31T22:00:00-05:00", "Wed 03:00 UTC"),
    ],
)
def test_the_hour_of_the_week_is_that_of_utc(at: str, hour: str) -> None:
    assert shown(event("web.visit", at))["hour"] == hour


def test_a_full_count_halves_all_so_that_habits_fade() -> None:
    state = after(*calls(254), event("web.visit", f"{SATURDAY}T20:15:00Z"))
    assert state is not None
    counts = dict(zip(CHANNELS, state.counts, strict=False))
    assert (counts["call"], counts["web"]) == (127, 0)
    assert max(state.counts) == 127  # 255 on a Saturday at eight


def test_years_of_contacts_keep_the_same_few_bytes() -> None:
    state = after(*calls(5_000))
    assert state is not None
    assert len(state.counts) == len(CHANNELS) + 7 + 24
    assert 127 <= max(state.counts) < 255


def test_two_ids_of_one_person_have_the_counts_of_both() -> None:
    a, b = after(*calls(3)), after(*calls(2), event("web.visit", "d0 10:00"))
    joint = after(*calls(3), *calls(2), event("web.visit", "d0 10:00"))
    assert a is not None
    assert b is not None
    assert CHANNEL.merge(a, b, context()) == CHANNEL.merge(b, a, context()) == joint


def test_a_joint_count_that_is_full_halves_all() -> None:
    many = after(*calls(200))
    assert many is not None
    assert max(CHANNEL.merge(many, many, context()).counts) == 200


def test_every_channel_is_a_family_by_which_customers_come() -> None:
    by_customer = {kind.family for name, kind in TOUCHPOINTS.items() if name in Channel.listens_to}
    assert by_customer - set(CHANNELS) == {"order", "cart", "subscription"}
    assert set(CHANNELS) <= by_customer


def test_the_posteriors_of_all_cells_sum_to_one() -> None:
    assert sum(posterior(count, 6, 3) for count in (1, 2, 3)) == pytest.approx(1.0)


def test_it_is_shown_with_the_customer() -> None:
    state = last_state(live([arrival("web.visit", "d3 20:15")], models("d0")))
    assert as_json("ada", state)["channel"] == {
        "channel": "web",
        "channel_share": 0.2099,
        "hour": "Sat 20:00 UTC",
        "hour_probability": 0.0353,  # (1 + 8 / 7) / 9 * (1 + 8 / 24) / 9
        "n": 1,
    }
