"""Somebody outside: installs the contracts alone, and follows their README."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from contract_kit import CONTRACTS, examples

from cst_bus.producer import make_producer
from cst_bus.topics_admin import ensure_topics
from cst_contracts.messages import MESSAGES
from cst_contracts.topics import REQUEST_EVENTS
from cst_stack import Endpoints

READ_AN_EXAMPLE = """
import json, sys
from cst_contracts.events import RequestEvent
for text in json.load(open(sys.argv[1])):
    print(RequestEvent.model_validate(text).typed().facts.category)
"""
READ_EVERY_OTHER_MESSAGE = """
import json, pathlib, sys
from cst_contracts.messages import MESSAGES
for spec in MESSAGES:
    for body in json.loads((pathlib.Path(sys.argv[1]) / spec.file).read_text()):
        spec.body.model_validate(body)
    print(spec.topic.name)
"""


def _readme_example() -> str:
    text = (CONTRACTS / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return str(code)


@pytest.mark.slow
def test_the_contracts_install_alone(tmp_path: Path) -> None:
    source = shutil.copytree(CONTRACTS, tmp_path / "contracts")
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    environ = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}

    def run(*arguments: str) -> str:
        command = [python, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("-m", "pip", "install", "--quiet", str(source))
    installed = {row["name"] for row in json.loads(run("-m", "pip", "list", "--format=json"))}
    assert "cst-contracts" in installed
    assert installed.isdisjoint({"citizen-services-tracker", "aiokafka", "pymongo", "fastapi"})
    example = source / "examples" / "cst.request.created.v1.json"
    assert run("-c", READ_AN_EXAMPLE, str(example)).split()[0] == "pothole"
    read = run("-c", READ_EVERY_OTHER_MESSAGE, str(source / "examples")).split()
    assert read == [spec.topic.name for spec in MESSAGES]


async def _publish(stack: Endpoints, name: str) -> None:
    servers, volatile = stack.kafka_bootstrap_servers, stack.broker == "tansu"
    await ensure_topics(servers, [REQUEST_EVENTS], prefix="", volatile=volatile)
    producer = make_producer(servers, idempotent=not volatile)
    await producer.start()
    try:
        for event in examples(name) * 2:
            key, value = event["subject"].encode(), json.dumps(event).encode()
            await producer.send_and_wait(REQUEST_EVENTS.name, value, key=key)
    finally:
        await producer.stop()


async def test_the_consumer_of_the_readme_works(stack: Endpoints, tmp_path: Path) -> None:
    script = tmp_path / "consumer.py"
    script.write_text(_readme_example().replace("localhost:9092", stack.kafka_bootstrap_servers))
    await _publish(stack, "created")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    wanted = {f"{event['subject']} 0 created new" for event in examples("created")}
    printed = list[str]()
    try:
        async with asyncio.timeout(60):
            while not wanted <= set(printed):
                printed.append((await process.stdout.readline()).decode().strip())
    finally:
        process.kill()
        await process.wait()
    assert len(printed) == len(set(printed))
