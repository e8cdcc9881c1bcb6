"""Workflow: the lifecycle's steps, by staff and by rule."""
