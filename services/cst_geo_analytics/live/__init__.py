"""The live map: from the log of events to streams of server-sent events.

One ``Hub`` a process reads the log without a consumer group (``reader``), keeps what happened
lately in a ring (``ring``), and every client is a cursor in it (``client``): nothing is queued for
anybody, so that memory does not grow with slow clients, and resuming is moving a cursor.
"""
