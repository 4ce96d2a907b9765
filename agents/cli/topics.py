"""``touchstream topics``: create missing topics, report misconfigured ones."""

import typer

from touchstream.agents.settings import Settings
from touchstream.agents.topics import check_topics, make_topics


def topics(settings: Settings, *, create: bool) -> bool:
    """Report every topic; False if one is misconfigured."""
    found = make_topics(settings) if create else check_topics(settings)
    for topic in found:
        summary = "; ".join(topic.faults) or ("created" if topic.created else "ok")
        typer.echo(f"{topic.name}: {summary}")
    return not any(topic.faults for topic in found)
