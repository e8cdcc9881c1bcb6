"""The generated files: what each must hold, and writing them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cst_cli.contracts.asyncapi import asyncapi
from cst_cli.contracts.schemas import schema_of, specs
from cst_core.errors import ConfigError

SCHEMAS = "schemas"
EXAMPLES = "examples"
_REPOSITORY = Path(__file__).resolve().parents[3]


class _Yaml(yaml.SafeDumper):
    """Writes lists of the same content out each time, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def contracts_folder() -> Path:
    """Return the repository's ``contracts`` folder.

    Raises:
        ConfigError: CST is installed without its repository.
    """
    folder = _REPOSITORY / "contracts"
    if not (folder / "cst_contracts").is_dir():
        raise ConfigError(f"{folder} is not there: contracts are kept in the repository")
    return folder


@cache
def generated() -> Mapping[str, str]:
    """Return every generated file by its path below ``contracts/``."""
    # Imported here: it is every service.
    from app.main import app as whole_app

    schemas = {f"{SCHEMAS}/{spec.file}": _json(schema_of(spec)) for spec in specs()}
    document = yaml.dump(asyncapi(), Dumper=_Yaml, sort_keys=False, allow_unicode=True, width=100)
    head = "# Written by `cst contracts generate`.\n"
    return schemas | {"asyncapi.yaml": head + document, "openapi.json": _json(whole_app.openapi())}


def write(folder: Path) -> list[str]:
    """Write the generated files that differ; return their paths below ``folder``."""
    changed = []
    for name, text in generated().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
