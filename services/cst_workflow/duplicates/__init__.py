"""Duplicates: found, linked, followed by their master's steps, and given their own life back."""
