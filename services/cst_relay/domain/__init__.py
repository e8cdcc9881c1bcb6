"""Pure parts of the relay: what a change says, what a record looks like, when to send again."""
