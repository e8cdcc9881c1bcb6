"""SLA: the clock of each promise, its breach, and the KPIs of each request."""
