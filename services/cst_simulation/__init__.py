"""A simulated city: citizens who report and agents who work, over the REST API only."""
