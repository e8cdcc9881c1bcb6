"""Pure rules of dispatch; no I/O."""
