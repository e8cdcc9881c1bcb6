"""Settings: read from the environment, wrong ones named in one line, handed on whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import AppSettings
from cst_core.errors import ConfigError
from cst_core.settings import Settings, load_settings

ALIASES = [field.alias for field in AppSettings.model_fields.values() if field.alias]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the developer's variables nor their .env file reach these tests."""
    monkeypatch.chdir(tmp_path)
    for alias in ALIASES:
        monkeypatch.delenv(alias, raising=False)


def test_nothing_set_means_embedded() -> None:
    settings = load_settings(Settings)
    assert (settings.mongo_uri, settings.kafka, settings.city) == ("", "", "new-york")


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("MONGO_DB=file\nCST_CITY=boston\n")
    monkeypatch.setenv("MONGO_DB", "environment")
    settings = load_settings(Settings)
    assert (settings.mongo_db, settings.city) == ("environment", "boston")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CST_CITY", "")
    assert load_settings(Settings).city == "new-york"


def test_every_wrong_variable_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "MONGO_DB": "no spaces",
        "CST_BROKER": "rabbit",
        "CST_CLOCK": "yesterday",
        "CST_LOG_LEVEL": "loud",
        "CST_WORKERS": "perhaps",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings(AppSettings)
    text = str(caught.value)
    assert "\n" not in text
    assert all(f"{name}={value!r}" in text for name, value in wrong.items())


def test_a_wrong_secret_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CST_AUTH_SECRET", "hunter2")
    with pytest.raises(ConfigError, match="CST_AUTH_SECRET") as caught:
        load_settings(Settings)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["staff.example", "ftp://staff.example/hook", "https://", "/hook"])
def test_a_webhook_that_is_no_address_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CST_WEBHOOK_ADMIN", url)
    monkeypatch.setenv("CST_WEBHOOK_SECRET", "s" * 24)
    with pytest.raises(ConfigError, match=f"^CST_WEBHOOK_ADMIN='{url}': .*https://"):
        load_settings(Settings)


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("", "is needed to sign what is sent by CST_WEBHOOK_SUPERVISOR"),
        ("hunter2" * 3, "is 21 bytes; at least 24 are needed"),
        ("whsec_" + "aHVudGVyMg==" * 3, "is no base64"),
        ("whsec_aHVudGVyMmh1bnRlcjJodW50ZXIy", "is 21 bytes"),
    ],
    ids=["none", "short", "no base64", "short in base64"],
)
def test_a_webhook_wants_a_good_secret(
    monkeypatch: pytest.MonkeyPatch, secret: str, fault: str
) -> None:
    monkeypatch.setenv("CST_WEBHOOK_SUPERVISOR", "https://staff.example/hook")
    monkeypatch.setenv("CST_WEBHOOK_SECRET", secret)
    with pytest.raises(ConfigError, match=rf"^CST_WEBHOOK_SECRET=\*\*\*: .*{fault}") as caught:
        load_settings(Settings)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "aHVudGVyMg" not in str(caught.value)


def test_webhooks_are_those_of_the_roles_that_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(Settings).webhooks == {}
    monkeypatch.setenv("CST_WEBHOOK_ON_CALL", "http://10.0.0.7:8080/hook?team=1")
    monkeypatch.setenv("CST_WEBHOOK_SECRET", "s" * 24)
    assert load_settings(Settings).webhooks == {"on_call": "http://10.0.0.7:8080/hook?team=1"}


def test_another_process_gets_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = load_settings(
        AppSettings,
        mongo_uri="mongodb://db:27017/?replicaSet=rs0",
        mongo_db="other",
        kafka="broker:9092",
        broker="kafka",
        topic_prefix="nyc.",
        kafka_idempotent=False,
        city="boston",
        cities=tmp_path / "cities",
        home=tmp_path / "home",
        clock="2026-01-01T00:00:00Z@60",
        log_format="json",
        log_level="error",
        stuck_after_s=7,
        behind_after_s=8,
        dispatch_batch_from=0,
        live_clients=7,
        live_heartbeat_s=8,
        live_events=900,
        auth_secret="x" * 32,
        auth_issuer="https://id.example",
        auth_jwks_url="https://id.example/keys",
        auth_audience="city",
        public_url="https://311.example",
        map_tiles="https://tiles.example/{z}/{x}/{y}.png",
        map_attribution="Who drew them",
        evidence_max_bytes=5_000_000,
        evidence_store="s3",
        s3_endpoint="https://s3.example",
        s3_bucket="files",
        s3_region="eu-west-1",
        s3_access_key="key",
        s3_secret_key="secret",
        webhook_on_call="https://staff.example/on-call",
        webhook_dispatcher="https://staff.example/dispatchers",
        webhook_supervisor="http://staff.example/supervisors",
        webhook_admin="https://staff.example/admins",
        webhook_secret="s" * 24,
        workers=False,
    )
    unchanged = [name for name in AppSettings.model_fields if name not in given.model_fields_set]
    assert not unchanged, "a new setting needs a value other than its default here"
    for name, value in given.environ().items():
        monkeypatch.setenv(name, value)
    assert load_settings(AppSettings) == given


def test_a_relative_home_stays_the_same_folder_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = load_settings(Settings, home=Path("here")).environ()
    assert environ["CST_HOME"] == str(tmp_path / "here")
