"""``cst contracts``: one line for each thing that is wrong, and what mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cst_cli.contracts import app, files
from cst_cli.contracts.checks import drift, incompatible
from cst_core.errors import ConfigError

COMMITTED = files.contracts_folder()
CREATED = "cst.request.created.v1.json"
CLOSED = "cst.request.closed.v1.json"

Edit = Callable[[str, Callable[[Any], Any]], None]


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed contracts."""
    wanted = shutil.ignore_patterns("cst_contracts", "build", "*.egg-info")
    return Path(shutil.copytree(COMMITTED, tmp_path / "contracts", ignore=wanted))


@pytest.fixture
def repository(folder: Path) -> Path:
    """The copy as a repository with one commit."""
    _git(folder, "init", "--quiet")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "-m", "one")
    return folder


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Changes the content of a JSON file of the copy."""

    def change(name: str, how: Callable[[Any], Any]) -> None:
        path = folder / name
        path.write_text(json.dumps(how(json.loads(path.read_text()))))

    return change


def test_a_faithful_copy_has_no_drift(folder: Path) -> None:
    assert drift(folder) == []


@pytest.mark.parametrize("name", [f"schemas/{CREATED}", "asyncapi.yaml", "openapi.json"])
def test_a_generated_file_that_differs_or_lacks_names_the_command(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(path.read_text() + " ")
    (line,) = drift(folder)
    assert line == f"contracts/{name} is not what the code says: run `cst contracts generate`"
    path.unlink()
    (line,) = drift(folder)
    assert line == f"contracts/{name} is missing: run `cst contracts generate`"
    assert files.write(folder) == [name]
    assert drift(folder) == []


def test_an_example_that_breaks_its_schema_is_named_with_place(folder: Path, edit: Edit) -> None:
    def spoil(events: list[Any]) -> list[Any]:
        events[1]["data"]["facts"]["priority"] = "P9"
        return events

    edit(f"examples/{CREATED}", spoil)
    (line,) = drift(folder)
    assert line.startswith(f"contracts/examples/{CREATED} [1].data.facts.priority: 'P9'")
    assert line.endswith(f"write it by hand: `$EDITOR contracts/examples/{CREATED}`")


@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_no_readable_example_is_one_line(folder: Path, text: str | None) -> None:
    path = folder / "examples" / CLOSED
    path.unlink() if text is None else path.write_text(text)
    (line,) = drift(folder)
    assert line.startswith(f"contracts/examples/{CLOSED} ")


def test_files_of_no_message_are_named(folder: Path) -> None:
    strangers = ("cst.request.gone.v1.json", "cst.request.created.v9.json", "notes.txt")
    for name in strangers:
        (folder / "schemas" / name).write_text("{}")
    lines = drift(folder)
    assert len(lines) == len(strangers)
    assert all("belongs to no message: run `git rm contracts/schemas/" in line for line in lines)


def test_every_committed_version_is_looked_at(repository: Path, edit: Edit) -> None:
    assert incompatible(repository) == []
    edit(f"schemas/{CREATED}", _without_required)
    _git(repository, "commit", "--quiet", "-am", "two")
    files.write(repository)
    _git(repository, "commit", "--quiet", "-am", "three")
    (line,) = incompatible(repository)
    assert f"contracts/schemas/{CREATED} breaks with " in line
    assert "new readers cannot read what was written before" in line
    assert incompatible(repository, "HEAD") == []
    assert len(incompatible(repository, "HEAD~1")) == 1


def _without_required(schema: dict[str, Any]) -> dict[str, Any]:
    schema["$defs"]["Created"]["required"].remove("priority_reason")
    return schema


def test_a_file_without_history_is_new(repository: Path) -> None:
    _git(repository, "rm", "--quiet", "-r", "--cached", "schemas")
    _git(repository, "commit", "--quiet", "-m", "none")
    assert incompatible(repository, "HEAD") == []


def test_an_unknown_revision_and_no_repository_are_one_line(
    folder: Path, repository: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no such revision"):
        incompatible(repository, "nowhere")
    shutil.rmtree(repository / ".git")
    with pytest.raises(ConfigError, match="not a git repository"):
        incompatible(folder)


def test_the_command_exits_1_with_the_lines_on_standard_error(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "contracts_folder", lambda: repository)
    good = CliRunner().invoke(app, ["check"])
    assert (good.exit_code, good.stderr) == (0, "")
    (repository / "asyncapi.yaml").unlink()
    bad = CliRunner().invoke(app, ["check"])
    assert bad.exit_code == 1
    assert len(bad.stderr.splitlines()) == 1
    mended = CliRunner().invoke(app, ["generate"])
    assert mended.stdout == "wrote contracts/asyncapi.yaml\n"
    assert CliRunner().invoke(app, ["generate"]).stdout == "nothing has changed\n"
