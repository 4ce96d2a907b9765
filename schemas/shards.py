"""Names of shards, as Redis keys, sequences, examples and metrics carry them."""


def shard_name(partition: int) -> str:
    """The shard of a partition of the touchpoints topic.

    >>> shard_name(3)
    'p3'
    """
    return f"p{partition}"


def shard_names(partitions: int) -> list[str]:
    """The shards of a topic with so many partitions, in their order.

    >>> shard_names(2)
    ['p0', 'p1']
    """
    return [shard_name(partition) for partition in range(partitions)]
