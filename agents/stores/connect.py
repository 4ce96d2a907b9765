"""The store that the settings name."""

from touchstream.agents.settings import Settings
from touchstream.agents.stores.redis import RedisStore, connect


def open_store(settings: Settings) -> RedisStore:
    """Redis with the credentials and TLS of the settings; nothing is sent yet.

    A command's store fails once Redis has not answered for ``--timeout``, all retries included.
    """
    redis = settings.redis
    patience_s = redis.patience_s
    return connect(
        redis.url,
        settings.namespace,
        timeout_s=redis.timeout_s if patience_s is None else patience_s,
        patience_s=patience_s,
        username=redis.username,
        password=None if redis.password is None else redis.password.get_secret_value(),
        ca_file=redis.ca_file,
    )
