"""Pure rules of geo-analytics; no I/O."""
