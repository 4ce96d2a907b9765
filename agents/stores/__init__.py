"""Storage of the shards: Redis, or its in-memory twin; one contract suite tests both."""
