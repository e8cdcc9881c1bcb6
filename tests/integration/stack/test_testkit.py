"""What the testkit promises to other tests: a stack, and nothing left of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cst_stack import Endpoints, Home
from cst_stack.kafka_probe import broker_info
from cst_testkit import stacks
from cst_testkit.leftovers import processes_of
from cst_testkit.stacks import running_stack


def test_a_failing_block_leaves_nothing(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), running_stack("embedded", home):
        _ = len(processes_of(home)) / 0
    assert processes_of(home) == []


def test_a_killed_test_run_is_cleaned_up_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, signal; from cst_testkit.stacks import running_stack\n"
        "with running_stack('embedded'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environ, timeout=60)
    (orphan,) = tmp_path.glob(f"{stacks.HOME_PREFIX}*")
    assert len(processes_of(Home(orphan))) == 2
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with running_stack("embedded"):
        assert processes_of(Home(orphan)) == []
    assert list(tmp_path.iterdir()) == []


def test_the_kind_comes_from_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CST_STACK", "imaginary")
    with pytest.raises(ValueError, match="embedded, kafka, containers, external"), running_stack():
        pass
    monkeypatch.setenv("CST_STACK", "external")
    monkeypatch.delenv("MONGO_URI", raising=False)
    with pytest.raises(ValueError, match="CST_STACK=external needs MONGO_URI"), running_stack():
        pass
    with running_stack("embedded", home) as inner:
        monkeypatch.setenv("MONGO_URI", inner.mongo_uri)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", inner.kafka_bootstrap_servers)
        with running_stack() as outer:
            assert (outer.mongo_uri, outer.broker) == (inner.mongo_uri, "external")


def test_the_session_has_one_stack(stack: Endpoints, mongo_uri: str) -> None:
    assert mongo_uri == stack.mongo_uri
    assert broker_info(int(stack.kafka_bootstrap_servers.rpartition(":")[2])) is not None


def test_containers_skip_where_no_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/engine.sock")
    reason = "needs a Docker engine, and none answers"
    with pytest.raises(pytest.skip.Exception, match=reason), running_stack("containers"):
        pass


@pytest.mark.containers
@pytest.mark.timeout(600)
def test_the_stack_in_containers() -> None:
    with running_stack("containers") as endpoints:
        assert endpoints.broker == "external"
