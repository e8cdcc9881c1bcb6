"""What is wrong with the committed contracts, one line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft202012Validator

from cst_cli.contracts.compat import broken_promises
from cst_cli.contracts.files import EXAMPLES, SCHEMAS, generated
from cst_cli.contracts.history import committed
from cst_cli.contracts.schemas import Schema, Spec, schema_of, specs

_GENERATE = "run `cst contracts generate`"


def drift(folder: Path) -> list[str]:
    """Return a line for each file that is not what the code says, with what mends it."""
    lines = [*_stale(folder), *_strangers(folder)]
    for spec in specs():
        lines += _examples(folder, spec)
    return lines


def _stale(folder: Path) -> Iterator[str]:
    for name, text in generated().items():
        path = folder / name
        if not path.exists():
            yield f"contracts/{name} is missing: {_GENERATE}"
        elif path.read_text(encoding="utf-8") != text:
            yield f"contracts/{name} is not what the code says: {_GENERATE}"


def _strangers(folder: Path) -> Iterator[str]:
    """Files of no message; those of one's earlier versions stay, since topics hold them."""
    known = {spec.file.rpartition(".v")[0]: spec.version for spec in specs()}
    for kind in (SCHEMAS, EXAMPLES):
        for path in sorted((folder / kind).glob("*")):
            message, _, version = path.stem.rpartition(".v")
            if not (version.isdigit() and int(version) <= known.get(message, 0)):
                name = f"contracts/{kind}/{path.name}"
                yield f"{name} belongs to no message: run `git rm {name}`"


def _examples(folder: Path, spec: Spec) -> Iterator[str]:
    name = f"{EXAMPLES}/{spec.file}"
    mend = f"write it by hand: `$EDITOR contracts/{name}`"
    try:
        examples = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield f"contracts/{name} cannot be read ({type(error).__name__}): {mend}"
        return
    if not isinstance(examples, list) or not examples:
        yield f"contracts/{name} is not a list of examples: {mend}"
        return
    validator = Draft202012Validator(schema_of(spec))
    for position, example in enumerate(examples):
        for fault in validator.iter_errors(example):
            where = f"[{position}]{fault.json_path.removeprefix('$')}"
            yield f"contracts/{name} {where}: {fault.message[:200]}: {mend}"


def incompatible(folder: Path, against: str | None = None) -> list[str]:
    """Return a line for each committed version of a schema that the code breaks with.

    Args:
        folder: ``contracts`` in a Git work tree.
        against: a revision; every version in the history of ``HEAD`` where not given.

    Raises:
        ConfigError: there is no history, or no such revision.
    """
    lines = []
    for spec in specs():
        name = f"{SCHEMAS}/{spec.file}"
        schema = schema_of(spec)
        for revision, text in committed(folder, name, against):
            before: Schema = json.loads(text)
            lines += [
                f"contracts/{name} breaks with {revision}: {broken}; only a new optional field "
                f"may come, else raise the version of {spec.name!r} and give it a new topic"
                for broken in broken_promises(before, schema)
            ]
    return lines
