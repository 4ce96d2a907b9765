import re

import pytest

from touchstream.schemas.documents.sources import DICTIONARY, PROJECT, event_types
from touchstream.schemas.emissions.registry import EmittedType
from touchstream.schemas.registry import TouchpointType

TEXT = (PROJECT / DICTIONARY).read_text(encoding="utf-8")
SECTIONS = {section.partition("\n")[0]: section for section in re.split(r"^### ", TEXT, flags=re.M)}


@pytest.mark.parametrize("kind", event_types(), ids=lambda kind: kind.name)
def test_every_type_has_a_section_with_all_its_fields_and_an_example(
    kind: TouchpointType | EmittedType,
) -> None:
    section = SECTIONS[kind.name]
    for field in kind.data.__struct_fields__:
        assert f"| `{field}` |" in section
    assert "```json" in section


def test_a_field_is_shown_with_whether_it_is_required_its_values_and_its_meaning() -> None:
    assert (
        "| `amount_minor` | yes | whole number ≥ 0, ≤ 9,007,199,254,740,992 "
        "| Total that the customer pays, in minor units. |"
    ) in SECTIONS["order.placed"]
    assert "| `channel` |  | `online`, `store` | Sales channel. |" in SECTIONS["order.placed"]
    assert (
        "| `items` |  | list of `OrderItem`, at most 1,000 | The order's lines. |"
        in SECTIONS["order.placed"]
    )


def test_the_structs_that_a_field_holds_are_shown_too() -> None:
    assert "| `sku` | yes |" in SECTIONS["order.placed"]
    assert "| `contribution` | yes |" in SECTIONS["churn.risk_changed"]


def test_it_says_what_the_customer_does() -> None:
    assert "By the customer: when `direction` is `inbound`." in SECTIONS["call.ended"]
    assert "By the customer: always." in SECTIONS["web.visit"]
    assert "By the customer: never." in SECTIONS["payment.failed"]


def test_it_says_where_an_emission_goes_and_which_question_it_answers() -> None:
    assert "Topic: `churn-risk`. Class: predictive." in SECTIONS["churn.risk_changed"]
    assert "| `customer-signals` | descriptive |" in TEXT


def test_a_date_is_no_text() -> None:
    assert "| `below_since` | yes | date like `2026-03-05` |" in SECTIONS["engagement.dropping"]


def test_a_time_is_no_text() -> None:
    time = "time like `2026-03-05T08:30:00Z`"
    assert f"| `recommended` | yes | {time} |" in SECTIONS["customer.risk"]
    assert "A tombstone (null value) removes the customer" in SECTIONS["customer.risk"]


def test_a_value_that_may_be_null_though_required_says_so() -> None:
    assert "| `rep` | yes | text or null |" in SECTIONS["alert.raised"]


def test_every_link_of_the_summary_leads_to_a_section() -> None:
    anchors = {name.replace(".", "") for name in SECTIONS}
    assert set(re.findall(r"\(#([^)]+)\)", TEXT)) <= anchors
