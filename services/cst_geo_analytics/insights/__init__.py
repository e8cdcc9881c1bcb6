"""Zones, clusters, surges, trends, risk and equity."""
