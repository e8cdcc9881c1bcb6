"""The bus: topics, producer, and consumers whose effect happens once per event."""
