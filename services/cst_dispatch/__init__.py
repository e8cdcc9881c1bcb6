"""Dispatch: the right crew for each request, never beyond its capacity, with the reasons."""
