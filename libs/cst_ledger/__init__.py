"""THE write path: every change of a request and the events that tell it, in one transaction."""
