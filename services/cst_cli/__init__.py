"""The ``cst`` command."""
