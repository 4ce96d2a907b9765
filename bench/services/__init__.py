"""Real Kafka and Redis without Docker, for benchmarks and integration tests."""
