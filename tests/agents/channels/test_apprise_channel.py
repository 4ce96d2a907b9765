"""The extra: real apprise, in a thread of its own, and a clear word where it is missing."""

import asyncio
import sys

import pytest
from msgspec import structs

from tests.agents.channels import receivers
from tests.agents.channels.receivers import MESSAGE, Receiver, status
from touchstream.agents import logs
from touchstream.agents.channels.apprise import AppriseChannel, AppriseMissing
from touchstream.agents.channels.message import Delivery

# A plugin, imported with all others, imports a module that Python 3.13 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


async def sent(url: str, timeout_s: float = 30.0) -> Delivery:
    channel = AppriseChannel("pager", url, timeout_s=timeout_s)
    delivery = await channel.send(MESSAGE)
    await channel.close()
    return structs.replace(delivery, duration_ms=0)


async def test_title_and_text_arrive(receiver: Receiver) -> None:
    assert await sent(f"json://127.0.0.1:{receiver.port}/hook") == Delivery("delivered")
    [request] = receiver.requests
    assert request.json["title"] == "Ada is likely to leave"
    assert request.json["message"] == "Risk 81 %.\nCall them."


async def test_a_failure_is_tried_again(receiver: Receiver) -> None:
    receiver.answer = status(500)
    assert await sent(f"json://127.0.0.1:{receiver.port}/hook") == Delivery(
        "retry", reason="apprise could not deliver it"
    )


async def test_a_url_of_no_service_is_refused() -> None:
    assert await sent("nonsense://x") == Delivery(
        "refused", reason="apprise does not know such a URL"
    )


async def test_a_service_that_hangs_takes_no_longer_than_the_timeout(receiver: Receiver) -> None:
    receiver.answer = receivers.hang
    delivery = await sent(f"json://127.0.0.1:{receiver.port}/hook?rto=1", timeout_s=0.2)
    assert delivery == Delivery("retry", reason="no answer within 0.2 s")


async def test_while_a_service_hangs_the_loop_goes_on(receiver: Receiver) -> None:
    receiver.answer = receivers.hang
    url = f"json://127.0.0.1:{receiver.port}/hook?rto=1"
    hanging = asyncio.create_task(sent(url))
    async with asyncio.timeout(30):
        await receiver.arrived.wait()  # arrives only if the loop is free to serve it
    assert not hanging.done()
    assert (await hanging).status == "retry"


async def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AppriseMissing, match=r"pip install 'touchstream\[apprise\]'"):
        await sent("json://127.0.0.1:1/")


@pytest.mark.parametrize("level", ["debug", "info"])
def test_apprise_never_logs_what_it_sends(level: str) -> None:
    config = logs.standard_config("json", level)
    assert config["loggers"]["apprise"] == {"level": "CRITICAL"}
