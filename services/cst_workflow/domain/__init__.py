"""Pure rules of workflow; no I/O."""
