"""The state folder: where it is, and what is said where it cannot be used."""

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from cst_stack import Endpoints, Home, StackError
from cst_stack.state import StackState, load_state, save_state


def test_the_home_comes_from_the_environment() -> None:
    assert Home.from_env({"CST_HOME": "/srv/cst"}).root == Path("/srv/cst")
    assert Home.from_env({}).root == Path(".cst").absolute()
    assert Home.from_env({"CST_HOME": ""}).root == Path(".cst").absolute()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StackError, match=r"cannot be written .*CST_HOME"):
        Home(tmp_path / "home").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StackError, match="Permission denied"):
        Home(tmp_path / "home").prepare()


def test_a_full_disk_names_folder_free_and_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=100 * 1024 * 1024))
    home = Home(tmp_path)
    home.require_free_space(100, "mongod")
    with pytest.raises(StackError) as caught:
        home.require_free_space(512, "mongod")
    text = str(caught.value)
    assert all(part in text for part in (str(tmp_path), "512 MiB", "100 MiB", "CST_HOME"))


def test_the_lock_is_held_by_one_and_the_wait_is_bounded(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (
        home.lock(),
        pytest.raises(StackError, match=r"another process holds .*stack\.lock"),
        home.lock(0.1),
    ):
        raise AssertionError("two held the lock")
    entered = threading.Event()

    def wait_for_lock() -> None:
        with home.lock(10):
            entered.set()

    with home.lock():
        waiter = threading.Thread(target=wait_for_lock)
        waiter.start()
        assert not entered.is_set()
    assert entered.wait(10)
    waiter.join()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.state_file.mkdir()
    with pytest.raises(StackError, match=r"stack\.json cannot be written \(Is a directory\)"):
        save_state(home, StackState())
    (tmp_path / "stack.lock").mkdir()
    with pytest.raises(StackError, match=r"stack\.lock cannot be written"), home.lock():
        pass


def test_the_state_is_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert load_state(home) == StackState()
    state = StackState(Endpoints("mongodb://x", "cst", "x:1", "tansu"), {"mongod": 5})
    save_state(home, state)
    assert load_state(home) == state


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"endpoints": {"a": 1}, "ports": {}}'])
def test_a_broken_state_file_counts_as_empty(tmp_path: Path, content: str) -> None:
    home = Home(tmp_path)
    home.state_file.write_text(content)
    assert load_state(home) == StackState()
