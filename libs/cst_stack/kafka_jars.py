"""Fetch the jars of Apache Kafka's broker with Maven, once per version."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
from pathlib import Path

from cst_stack.errors import StackError
from cst_stack.home import exclusive_lock

KAFKA_FOLDER = Path(__file__).parents[2] / "infra" / "kafka"
FETCH_SECONDS = 300.0

log = logging.getLogger("cst.stack")


def fetch_jars() -> Path:
    """Return the folder with the broker's jars, fetching them where they are not yet complete.

    Takes at most ``FETCH_SECONDS``. Raises ``StackError`` if Maven is missing or fails, or the
    repository's ``infra/kafka`` is not there.
    """
    pom = KAFKA_FOLDER / "pom.xml"
    if not pom.exists():
        raise StackError(
            f"{pom} is missing: starting Apache Kafka needs a checkout of the repository; "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        )
    jars = KAFKA_FOLDER / "target" / "jars"
    marker = jars / ".complete"
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    try:
        jars.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(jars.parent / "fetch.lock", FETCH_SECONDS):
            if not marker.exists() or marker.read_text() != wanted:
                shutil.rmtree(jars)
                _run_maven(pom)
                marker.write_text(wanted)
    except OSError as error:
        raise StackError(f"the jars of Kafka cannot be kept in {jars}: {error}") from error
    return jars


def find_java() -> str:
    """Return the path of ``java``: of ``JAVA_HOME``, else on PATH; ``StackError`` if none."""
    java_home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{java_home}/bin") if java_home else None
    found = found or shutil.which("java")
    if found is None:
        raise StackError(
            "Apache Kafka needs Java 17 or later, and no java was found: install it, "
            "set JAVA_HOME, or set KAFKA_BOOTSTRAP_SERVERS"
        )
    return found


def _run_maven(pom: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            "fetching Apache Kafka needs Maven, and no mvn was found: install it "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        )
    log.info("fetching Apache Kafka's jars with Maven")
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"Maven did not fetch Apache Kafka within {FETCH_SECONDS:.0f} s; "
            "look at its network settings and try again"
        ) from error
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        why = errors[0].removeprefix("[ERROR]") if errors else done.stderr[-300:]
        raise StackError(f"Maven cannot fetch Apache Kafka: {why}")
