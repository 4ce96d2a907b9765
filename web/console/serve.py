"""The console's process: ``touchstream console`` runs :func:`run` by its name."""

import asyncio
import sys
from collections.abc import Sequence
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from urllib.parse import urlencode

import orjson
import uvicorn
from fastapi import FastAPI

from touchstream.agents import garbage
from touchstream.agents.settings import Settings, SettingsError
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.claims import open_claims
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.event_log import KafkaLog
from touchstream.schemas.shards import shard_names
from touchstream.web.console.app import Ports, console_app
from touchstream.web.console.one_time import OneTimeTokens
from touchstream.web.console.principal import can_sign_in
from touchstream.web.console.publishing import KafkaPublisher
from touchstream.web.console.sign_in import TOKEN
from touchstream.web.console.stored_alerts import StoredAlerts

SHUTDOWN_PATIENCE_S = 2
"""Time for answers under way; streams end at once."""
BACKLOG = 2_048


class Server(uvicorn.Server):
    """Uvicorn that ends the streams first: they never end by themselves, and it waits for all."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_PATIENCE_S,
                lifespan="on",
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._app.state.live.end_streams()
        await super().shutdown(sockets)


def run(settings: Settings) -> None:
    """Serve until a signal arrives.

    Raises
    ------
    SettingsError
        If the address is open to others and nobody could sign in.
    OSError
        If the port is taken.
    """
    require_sign_in(settings)
    garbage.relax()
    tokens = OneTimeTokens()
    with listening(settings.console.host, settings.console.port) as bound:
        announce(address(settings, bound, None if can_sign_in(settings) else tokens.new()))
        asyncio.run(_serve(settings, tokens, [bound]))


async def _serve(settings: Settings, tokens: OneTimeTokens, bound: Sequence[socket]) -> None:
    store = open_store(settings)
    ports = Ports(
        store,
        open_claims(settings),
        stored_alerts(settings, store),
        KafkaPublisher(settings),
        KafkaLog(settings),
    )
    try:
        await Server(console_app(settings, ports, tokens)).serve(list(bound))
    finally:
        await ports.publisher.close()
        await ports.claims.close()
        await ports.store.close()


def stored_alerts(settings: Settings, store: Store) -> StoredAlerts:
    """The alerts of a namespace; queues are those of the settings and of the routing."""
    rules = settings.rules
    routed = [one.queue for one in rules.routing]
    queues = [rules.alerts.queue, *routed, *(one.id for one in settings.queues)]
    shards = shard_names(settings.kafka.partitions)
    return StoredAlerts(store, shards, queues, rules.deciding.currency)


def require_sign_in(settings: Settings) -> None:
    """Refuse to be open to other machines without authentication."""
    if settings.console.is_local or can_sign_in(settings):
        return
    raise SettingsError(
        f"console.host={settings.console.host!r}: want a loopback address until somebody can sign "
        "in: give a rep a key_sha256 (touchstream console-key), or set console.oidc_issuer"
    )


def listening(host: str, port: int) -> socket:
    """A bound socket, so that a taken port is known before anything is announced."""
    bound = socket(AF_INET6 if ":" in host else AF_INET)
    try:
        bound.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as exc:
        bound.close()
        raise OSError(exc.errno, exc.strerror, f"console.host={host} console.port={port}") from exc
    return bound


def address(settings: Settings, bound: socket, token: str | None) -> str:
    """The address to open; with a one-time token where nobody has a key."""
    host, port = bound.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    base = settings.console.public_url or f"http://{host}:{port}"
    return f"{base}/?{urlencode({TOKEN: token})}" if token else base


def announce(url: str) -> None:
    """Say where the console is: a sentence to a person, a JSON line to a program."""
    if sys.stdout.isatty():
        sys.stdout.write(f"console: {url}\n")
    else:
        sys.stdout.write(orjson.dumps({"console": url}).decode() + "\n")
    sys.stdout.flush()
