"""Whether writers and readers of two versions of a schema understand each other."""

from __future__ import annotations

import json

import jsoncompat

from cst_cli.contracts.schemas import Schema, opened


def understands(reader: Schema, writer: Schema) -> bool:
    """Tell whether a reader of one (closed) schema takes all that a writer of another may send.

    The writer sends nothing that its schema does not name; the reader ignores what its own does
    not. The identifiers may differ.
    """
    sent, taken = (json.dumps(_anonymous(schema)) for schema in (writer, opened(reader)))
    return jsoncompat.check_compat(sent, taken, "deserializer")


def broken_promises(before: Schema, after: Schema) -> list[str]:
    """Return what a change of a schema breaks: nothing, or one or both directions."""
    broken = []
    if not understands(reader=after, writer=before):
        broken.append("new readers cannot read what was written before")
    if not understands(reader=before, writer=after):
        broken.append("readers of before cannot read what is written now")
    return broken


def _anonymous(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "$id"}
