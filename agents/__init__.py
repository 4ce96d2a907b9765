"""The shell: Kafka, Redis, processes, time and people. It decides nothing about customers."""
