"""KPIs over many requests: a row of facts for each, kept as things happen, and their reports."""
