"""Errors are one line, and the line of a log that matters is found."""

import json
from pathlib import Path

import pytest

from cst_stack import Home, StackError, check_external, check_external_broker, up
from cst_stack.binaries import from_wheel
from cst_stack.kafka import server_settings
from cst_stack.kafka_jars import fetch_jars, find_java
from cst_stack.logtail import last_meaningful_line, tail
from cst_stack.mongod import find_mongod
from cst_stack.ports import free_port
from cst_stack.tansu import find_tansu

MONGOD_ERROR = {"s": "E", "msg": "Failed to open", "attr": {"error": {"errmsg": "in use"}}}


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("ERROR the cause\n\tat a.b.C(D.java:1)\nbye\n", "ERROR the cause"),
        ("\x1b[31mERROR\x1b[0m red\nstack backtrace:\n", "ERROR red"),
        (
            json.dumps(MONGOD_ERROR) + '\n{"s": "I", "msg": "error-free"}\n',
            "Failed to open: in use",
        ),
        ('{"s": "F", "msg": "Fatal assertion"}\n', "Fatal assertion"),
        ("{not json\nplain words\n", "plain words"),
        ("mongod: error while loading shared libraries: libx\n", "mongod: error while loading"),
    ],
)
def test_the_last_meaningful_line(log: str, line: str) -> None:
    found = last_meaningful_line(log)
    assert found.startswith(line) if line else found == ""


def test_the_end_of_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tail(tmp_path / "none") == ""
    (tmp_path / "log").write_text("0123456789")
    assert tail(tmp_path / "log") == "0123456789"
    monkeypatch.setattr("cst_stack.logtail.TAIL_BYTES", 3)
    assert tail(tmp_path / "log") == "789"


def test_an_error_is_one_line() -> None:
    assert str(StackError("a\n  b")) == "a b"


def test_missing_binaries_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MONGOD_BIN", "TANSU_BIN", "JAVA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("cst_stack.mongod.from_wheel", lambda *_: None)
    monkeypatch.setattr("cst_stack.tansu.from_wheel", lambda *_: None)
    with pytest.raises(StackError, match=r"no mongod was found.*MONGOD_BIN"):
        find_mongod()
    with pytest.raises(StackError, match=r"no embedded broker was found.*TANSU_BIN"):
        find_tansu()
    with pytest.raises(StackError, match="needs Java 17"):
        find_java()


def test_a_named_binary_that_is_not_one_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MONGOD_BIN", str(tmp_path / "absent"))
    with pytest.raises(StackError, match=r"MONGOD_BIN names .*absent, which is not an executable"):
        find_mongod()


def test_a_binary_on_the_path_is_preferred_to_the_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mongod = tmp_path / "mongod"
    mongod.write_text("#!/bin/sh\n")
    mongod.chmod(0o755)
    monkeypatch.delenv("MONGOD_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod() == str(mongod)


def test_a_package_that_is_not_installed_carries_nothing() -> None:
    assert from_wheel("no_such_package", "bin/mongod") is None
    assert from_wheel("cst_stack", "bin/mongod") is None


def test_fetching_kafka_without_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pom.xml").write_text("<project/>")
    monkeypatch.setattr("cst_stack.kafka_jars.KAFKA_FOLDER", tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StackError, match="needs Maven, and no mvn was found"):
        fetch_jars()


def test_a_failing_maven_says_why_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pom.xml").write_text("<project/>")
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] cannot resolve kafka'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setattr("cst_stack.kafka_jars.KAFKA_FOLDER", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(StackError, match="Maven cannot fetch Apache Kafka: cannot resolve kafka"):
        fetch_jars()
    maven.write_text("#!/bin/sh\nmkdir -p $(dirname $4)/target/jars\n")
    assert fetch_jars() == tmp_path / "target" / "jars"
    maven.unlink()
    assert fetch_jars() == tmp_path / "target" / "jars"


def test_a_checkout_without_the_kafka_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("cst_stack.kafka_jars.KAFKA_FOLDER", tmp_path)
    with pytest.raises(StackError, match=r"pom\.xml is missing"):
        fetch_jars()


def test_kafka_creates_no_topic_by_itself() -> None:
    settings = server_settings(Path("/data"), 9092, 9093)
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["listeners"].startswith("PLAINTEXT://127.0.0.1:9092,")


@pytest.mark.parametrize("uri", ["", "http://x", "mongodb://", "mongodb://h:99999"])
def test_a_uri_that_is_none(uri: str) -> None:
    with pytest.raises(StackError, match="MONGO_URI is not a MongoDB connection string"):
        check_external(uri)


def test_nobody_answers_and_the_password_stays_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cst_stack.external.ANSWER_MS", 200)
    port = free_port()
    with pytest.raises(StackError) as caught:
        check_external(f"mongodb://user:secret@127.0.0.1:{port}/")
    assert f"no MongoDB answers at 127.0.0.1:{port}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_no_broker_accepts_connections() -> None:
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(StackError, match=f"no Kafka broker accepts connections at {servers}"):
        check_external_broker(servers)
    with pytest.raises(StackError, match="not of the form host:port"):
        check_external_broker("kafka")


def test_a_port_setting_that_is_no_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CST_MONGO_PORT", "many")
    with pytest.raises(StackError, match="CST_MONGO_PORT=many is not a port"):
        up(Home(tmp_path))
