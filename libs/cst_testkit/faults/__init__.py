"""Faults on purpose: killed and stopped processes, broken networks, restarts, garbage; seeded."""
