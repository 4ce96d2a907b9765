from typing import get_args

from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT, TOUCHPOINTS, Family, Touchpoint
from touchstream.schemas.touchpoints.calls import CallEnded
from touchstream.schemas.touchpoints.tickets import TicketReplied

# docs/events.md, written out: type, then its fields; * required, and the mark of activity.
CONTRACT = """
web.visit               ° page* duration_s referrer utm_source utm_medium utm_campaign device product search error
web.form_submitted      ° form* intent text
content.streamed        ° content* seconds*
event.attended          ° name*
store.visited           ° store* duration_s
cart.abandoned          ° amount_minor currency
order.placed            ° order* amount_minor* currency* channel items
order.returned          - order* amount_minor* currency* reason
payment.failed          - amount_minor currency reason
subscription.started    ° plan* amount_minor* currency* term_days
subscription.renewed    ° plan* amount_minor* currency* term_days
subscription.changed    ° plan* amount_minor* currency* term_days
subscription.cancelled  - reason
ticket.opened           ° ticket* topic priority channel text language
ticket.replied          ° ticket* by*
ticket.resolved         - ticket* cost_minor currency
ticket.reopened         - ticket* cost_minor currency
call.ended              ° call* direction* duration_s* queue_s hold_s transfers topic purpose outcome text cost_minor currency
email.delivered         - campaign* cost_minor currency
email.opened            ° campaign* cost_minor currency
email.clicked           ° campaign* cost_minor currency
email.unsubscribed      - campaign* cost_minor currency
survey.sent             - survey* kind*
survey.answered         ° survey* kind* score score_max text answers
review.posted           ° rating rating_max product text
social.mentioned        ° network* text
lead.created            - source cost_minor currency
lead.qualified          -
demo.held               -
proposal.sent           -
deal.won                - amount_minor* currency*
deal.lost               - reason
customer.updated        - attributes
customer.identified     - alias*
customer.unlinked       - alias*
consent.changed         - purpose* granted*
customer.erased         -
action.outcome          - decision* action* outcome* value_minor currency
alert.feedback          - alert* verdict* rep rating reason until worse_by next_touchpoint
"""  # noqa: E501 - a row of the table is a line


def fields_of(name: str) -> list[str]:
    data = TOUCHPOINTS[name].data
    optional = len(data.__struct_defaults__)
    required = data.__struct_fields__[: len(data.__struct_fields__) - optional]
    return [f"{field}*" if field in required else field for field in data.__struct_fields__]


def test_the_registry_is_the_table_of_the_contract_in_its_order() -> None:
    rows = [row.split() for row in CONTRACT.strip().splitlines()]
    mark = {name: "°" if name in ACTIVITY_BY_DEFAULT else "-" for name in TOUCHPOINTS}
    assert [[name, mark[name], *fields_of(name)] for name in TOUCHPOINTS] == rows


def test_the_union_of_touchpoints_has_every_registered_type_and_no_other() -> None:
    assert set(get_args(Touchpoint)) == {kind.data for kind in TOUCHPOINTS.values()}


def test_no_two_types_share_a_struct() -> None:
    assert len({kind.data for kind in TOUCHPOINTS.values()}) == len(TOUCHPOINTS)


def test_every_family_counts_something() -> None:
    assert {kind.family for kind in TOUCHPOINTS.values()} == set(get_args(Family))


def test_a_reply_is_by_the_customer_only_if_the_customer_wrote_it() -> None:
    by_customer = TOUCHPOINTS["ticket.replied"].by_customer
    assert by_customer(TicketReplied(ticket="1", by="customer"))
    assert not by_customer(TicketReplied(ticket="1", by="agent"))


def test_a_call_is_by_the_customer_only_if_it_came_in() -> None:
    by_customer = TOUCHPOINTS["call.ended"].by_customer
    assert by_customer(CallEnded(call="1", direction="inbound", duration_s=60))
    assert not by_customer(CallEnded(call="1", direction="outbound", duration_s=60))
