"""Pure rules of the SLA clock; no I/O."""
