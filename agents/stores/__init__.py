"""Where shards live: Redis, or its in-memory twin. One contract suite holds for both."""
