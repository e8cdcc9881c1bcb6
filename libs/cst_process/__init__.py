"""What a process is made of: the core it shares with others, and the runner of its workers."""
