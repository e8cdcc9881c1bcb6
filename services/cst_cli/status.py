"""``cst status``: what runs, how it does, and what is wrong; true also when everything is down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

import orjson
import pymongo
import typer
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from app.settings import AppSettings
from app.system import whole_system
from cst_bus.topics_admin import cluster_id, end_offsets, physical
from cst_cli.relay import relay_rows
from cst_cli.system import System, answers
from cst_contracts.topics import TOPICS
from cst_core.errors import Unavailable
from cst_core.settings import load_settings
from cst_mongo.client import open_database
from cst_process.judgement import Problem
from cst_process.status import bounds_of, survey
from cst_stack import Home, PartStatus
from cst_stack import status as stack_status
from cst_stack.state import load_state

#: How long database and broker each may take to answer.
ANSWER_S = 5.0


@dataclass
class _Found:
    """What a probe found of its part."""

    problems: list[Problem] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def status(
        json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    ) -> None:
        """Show parts, processes, relay, consumers, dead letters, and what is wrong.

        Exit code 0: everything runs and is well; 1: a part is down, or there is a problem.
        """
        # What it has to say of an absent broker, this command says itself.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        report = _report(load_settings(AppSettings))
        if json:
            typer.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
        else:
            _print(report)
        if report["problems"]:
            raise typer.Exit(1)


def _report(own: AppSettings) -> dict[str, Any]:
    home, system = Home(own.home), System(own)
    settings, known = system.settings(), load_state(home).endpoints
    mongo_uri = settings.mongo_uri or (known.mongo_uri if known else None)
    kafka = settings.kafka or (known.kafka_bootstrap_servers if known else None)
    database, broker = asyncio.run(_probe(settings, mongo_uri, kafka))
    # Where neither is embedded, the home knows of none.
    if known is None and own.mongo_uri and own.kafka:
        parts, down = _elsewhere(database, broker), []
    else:
        parts = stack_status(home).parts
        down = _down(parts)
    problems = [*down, *_api(system.url()), *database.problems, *broker.problems]
    return {
        "parts": [asdict(part) for part in parts],
        "processes": system.processes(),
        "api_url": system.url(),
        "mongo_uri": mongo_uri,
        "mongo_db": settings.mongo_db,
        "kafka_bootstrap_servers": kafka,
        "heartbeats": [],
        "relay": [],
        "dead_letters": {},
        **database.members,
        **broker.members,
        "problems": [asdict(problem) for problem in problems],
    }


async def _probe(
    settings: AppSettings, mongo_uri: str | None, kafka: str | None
) -> tuple[_Found, _Found]:
    return await asyncio.gather(_database(settings, mongo_uri), _broker(settings, kafka))


async def _database(settings: AppSettings, uri: str | None) -> _Found:
    """What the processes told, and how the relay does."""
    if uri is None:
        return _Found([Problem("database", "unknown", None, "nothing was started here")])
    try:
        async with open_database(uri, settings.mongo_db, app="status") as db:
            seen = await survey(db, bounds_of(settings), whole_system(settings))
            with pymongo.timeout(ANSWER_S):
                rows = await relay_rows(db)
    except (Unavailable, PyMongoError) as error:
        return _Found([Problem("database", "unreachable", None, str(error).splitlines()[0])])
    beats = [_beat(row, seen.now) for row in seen.processes]
    reports = {r["feed"]: r for beat in beats for r in beat["relays"] if r["role"] == "leader"}
    relay = [row | {"lag_s": reports.get(row["feed"], {}).get("lag_s")} for row in rows]
    return _Found(seen.problems, {"heartbeats": beats, "relay": relay})


def _beat(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    shown = {key: value for key, value in row.items() if key not in ("_id", "at")}
    return shown | {"age_s": round((now - row["at"]).total_seconds(), 1)}


async def _broker(settings: AppSettings, bootstrap: str | None) -> _Found:
    """Whether it answers, and how many records the dead-letter topics have taken."""
    if bootstrap is None:
        return _Found([Problem("broker", "unknown", None, "nothing was started here")])
    dead: dict[str, int | None] = {
        physical(topic.dlq, settings.topic_prefix): None for topic in TOPICS if topic.dead_letter
    }
    found = _Found(members={"dead_letters": dead})
    try:
        async with asyncio.timeout(ANSWER_S):
            await cluster_id(bootstrap)
            for name in dead:
                dead[name] = sum((await end_offsets(bootstrap, name)).values())
    except (KafkaError, OSError) as error:
        detail = str(error) or f"no answer within {ANSWER_S:g} s"
        found.problems.append(Problem("broker", "unreachable", None, detail))
    return found


def _elsewhere(database: _Found, broker: _Found) -> list[PartStatus]:
    """The parts where somebody else runs them: all that can be said is whether they answer."""
    parts = []
    for name, found in (("mongod", database), ("broker", broker)):
        answered = not any(problem.problem == "unreachable" for problem in found.problems)
        detail = "external: answers" if answered else "external: does not answer"
        parts.append(PartStatus(name, answered, None, None, None, detail))
    return parts


def _down(parts: list[PartStatus]) -> list[Problem]:
    return [
        Problem(part.name, "not running", None, part.detail) for part in parts if not part.running
    ]


def _api(url: str | None) -> list[Problem]:
    if url is None or answers(url):
        return []
    return [Problem("api", "not ready", None, f"{url}/readyz does not answer with 200")]


def _print(report: dict[str, Any]) -> None:
    for part in report["parts"]:
        _line(part["name"], _place(part), part["detail"])
    for process in report["processes"]:
        place = f"running, pid {process['pid']}, {process['memory_mib']} MiB"
        _line(process["name"], place)
    if report["api_url"]:
        _line("api_url", report["api_url"])
    for row in report["relay"]:
        leader = f"led by {row['leader']}" if row["leader"] else "no leader"
        rebuilding = ", rebuilding" if row["rebuild"] else ""
        lag = "" if row["lag_s"] is None else f", {row['lag_s']:.1f} s behind"
        _line("relay", f"{row['feed']}: {row['sent']} sent, {leader}{lag}{rebuilding}")
    for beat in report["heartbeats"]:
        for consumer in beat["consumers"]:
            waiting = "?" if consumer["waiting"] is None else consumer["waiting"]
            counts = f"{consumer['handled']} handled, {waiting} waiting, pid {beat['pid']}"
            _line("consumer", f"{consumer['consumer']}: {counts}")
    for name, count in report["dead_letters"].items():
        _line("dead letters", f"{name}: {'unknown' if count is None else count}")
    for problem in report["problems"]:
        since = "" if problem["since_s"] is None else f" for {problem['since_s']:.0f} s"
        detail = " - ".join(filter(None, (problem["detail"], problem["error"])))
        _line("PROBLEM", f"{problem['part']} {problem['problem']}{since}: {detail}")


def _place(part: Mapping[str, Any]) -> str:
    if not part["running"]:
        return "down"
    return f"running, pid {part['pid']}, port {part['port']}" if part["pid"] else "running"


def _line(name: str, *texts: str) -> None:
    typer.echo(f"{name:<16}{'  '.join(texts)}".rstrip())
