"""Geo-analytics: where it hurts, kept by events so that an answer never reads requests."""
