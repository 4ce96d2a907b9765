"""The imperative shell: Kafka, Redis, processes, time and commands; no rule of business."""

if __name__ != "touchstream.agents":  # a second copy of every class, under another name
    raise ImportError(
        "the import name is touchstream.agents, not agents: faust -A touchstream.agents.app worker"
    )
