"""``touchstream topics``: make what is missing, say what is not as wanted."""

import typer

from touchstream.agents.settings import Settings
from touchstream.agents.topics import check_topics, make_topics


def topics(settings: Settings, *, create: bool) -> bool:
    """Tell about every topic; False if one is not as wanted."""
    found = make_topics(settings) if create else check_topics(settings)
    for topic in found:
        summary = "; ".join(topic.faults) or ("created" if topic.created else "ok")
        typer.echo(f"{topic.name}: {summary}")
    return not any(topic.faults for topic in found)
