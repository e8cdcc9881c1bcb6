"""The relay: change streams to Kafka, at least once, in order per key. No business rules."""
