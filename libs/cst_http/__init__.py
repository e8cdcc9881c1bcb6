"""HTTP: app factory, problems, who may do what, limits, health, metrics."""
