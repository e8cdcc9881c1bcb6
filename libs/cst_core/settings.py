"""Settings every process shares; each service extends them with its own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import (
    AnyHttpUrl,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from cst_core.clock import parse_clock
from cst_core.errors import ConfigError
from cst_core.webhooks import signing_key

_URL = TypeAdapter(AnyHttpUrl)
#: A host by name or number, with or without a port, and a path of what a URL may be written with.
_TILES = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~!$&'()*+=:@%/?{}-]*")
_TILE = ("{z}", "{x}", "{y}")


class Settings(BaseSettings):
    """Read from the environment, then from ``.env``. ``.env.example`` lists them all."""

    model_config = SettingsConfigDict(
        env_file=os.environ.get("CST_ENV_FILE", ".env"),
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        populate_by_name=True,
    )

    #: What is not set here is embedded: neither, both; only MONGO_URI, the broker.
    mongo_uri: str = Field(default="", alias="MONGO_URI")
    mongo_db: str = Field(default="cst", alias="MONGO_DB", pattern=r"^[A-Za-z0-9_-]{1,60}$")
    kafka: str = Field(default="", alias="KAFKA_BOOTSTRAP_SERVERS")
    #: Which embedded broker: Tansu needs nothing, Apache Kafka needs Java and Maven.
    broker: Literal["tansu", "kafka"] = Field(default="tansu", alias="CST_BROKER")
    #: Put before every topic and consumer group, so that several cities can share a broker.
    topic_prefix: str = Field(default="", alias="CST_TOPIC_PREFIX", pattern=r"^[a-z0-9.-]*$")
    #: The embedded broker has no idempotent producer; real Kafka has.
    kafka_idempotent: bool = Field(default=True, alias="CST_KAFKA_IDEMPOTENT")
    city: str = Field(default="new-york", alias="CST_CITY", pattern=r"^[a-z0-9-]+$")
    #: Folder with the cities' folders; the repository's infra/cities where not set.
    cities: Path | None = Field(default=None, alias="CST_CITIES")
    home: Path = Field(default=Path(".cst"), alias="CST_HOME")
    clock: str = Field(default="real", alias="CST_CLOCK")
    log_format: Literal["console", "json"] = Field(default="console", alias="CST_LOG_FORMAT")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", alias="CST_LOG_LEVEL"
    )
    #: Signing key of local tokens and of follow links; made and kept under CST_HOME when not set.
    auth_secret: SecretStr | None = Field(default=None, alias="CST_AUTH_SECRET", min_length=32)
    #: OIDC issuer whose tokens are accepted instead of local ones, and where its keys are.
    auth_issuer: str | None = Field(default=None, alias="CST_AUTH_ISSUER")
    auth_jwks_url: str | None = Field(default=None, alias="CST_AUTH_JWKS_URL")
    auth_audience: str = Field(default="cst", alias="CST_AUTH_AUDIENCE")
    #: From when on a consumer that is busy with one batch, or fails, counts as stuck.
    stuck_after_s: float = Field(default=60, alias="CST_STUCK_AFTER_S", gt=0)
    #: From when on a relay's lag, or a consumer's, is reported.
    behind_after_s: float = Field(default=60, alias="CST_BEHIND_AFTER_S", gt=0)
    #: Largest file of evidence; and where files are kept: in the database, or by an S3 API.
    evidence_max_bytes: int = Field(
        default=20 * 1024 * 1024, alias="CST_EVIDENCE_MAX_BYTES", ge=1024, le=1024**3
    )
    evidence_store: Literal["gridfs", "s3"] = Field(default="gridfs", alias="CST_EVIDENCE_STORE")
    s3_endpoint: str = Field(default="", alias="CST_S3_ENDPOINT")
    s3_bucket: str = Field(default="cst-evidence", alias="CST_S3_BUCKET")
    s3_region: str = Field(default="us-east-1", alias="CST_S3_REGION")
    s3_access_key: str = Field(default="", alias="CST_S3_ACCESS_KEY")
    s3_secret_key: SecretStr | None = Field(default=None, alias="CST_S3_SECRET_KEY")
    #: Where citizens reach the API; start of every follow link.
    public_url: str = Field(default="http://localhost:8000", alias="CST_PUBLIC_URL")
    #: Raster tiles behind the map page's zones, of a host that it may then ask; and whose they are.
    map_tiles: str = Field(default="", alias="CST_MAP_TILES")
    map_attribution: str = Field(default="", alias="CST_MAP_ATTRIBUTION", max_length=200)
    #: From how many waiting requests on dispatch plans them together; 0: never.
    dispatch_batch_from: int = Field(default=25, alias="CST_DISPATCH_BATCH_FROM", ge=0, le=500)
    #: Clients of the live map that one API process takes; seconds between their heartbeats; how
    #: many of the latest events a client that was cut off can catch up on.
    live_clients: int = Field(default=2000, alias="CST_LIVE_CLIENTS", ge=1, le=50_000)
    live_heartbeat_s: float = Field(default=15, alias="CST_LIVE_HEARTBEAT_S", ge=0.1, le=300)
    live_events: int = Field(default=20_000, alias="CST_LIVE_EVENTS", ge=100, le=1_000_000)
    #: Whither each role's notices are posted, and what signs them.
    webhook_on_call: str = Field(default="", alias="CST_WEBHOOK_ON_CALL")
    webhook_dispatcher: str = Field(default="", alias="CST_WEBHOOK_DISPATCHER")
    webhook_supervisor: str = Field(default="", alias="CST_WEBHOOK_SUPERVISOR")
    webhook_admin: str = Field(default="", alias="CST_WEBHOOK_ADMIN")
    webhook_secret: SecretStr | None = Field(default=None, alias="CST_WEBHOOK_SECRET")

    def environ(self) -> dict[str, str]:
        """Return the environment that gives another process, in whatever folder, these settings."""
        found: dict[str, str] = {}
        for name in sorted(self.model_fields_set | {"home"}):
            value, field = getattr(self, name), type(self).model_fields[name]
            if value is None or field.alias is None:
                continue
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if isinstance(value, Path):
                value = value.absolute()
            found[field.alias] = str(int(value)) if isinstance(value, bool) else str(value)
        return found

    @property
    def webhooks(self) -> dict[str, str]:
        """The addresses of webhooks, by role; without the roles that have none."""
        urls = {
            "on_call": self.webhook_on_call,
            "dispatcher": self.webhook_dispatcher,
            "supervisor": self.webhook_supervisor,
            "admin": self.webhook_admin,
        }
        return {role: url for role, url in urls.items() if url}

    @field_validator("clock")
    @classmethod
    def _clock_is_readable(cls, value: str) -> str:
        parse_clock(value)
        return value

    @field_validator("map_tiles")
    @classmethod
    def _tiles_are_an_address(cls, value: str) -> str:
        if value and (not _TILES.fullmatch(value) or any(part not in value for part in _TILE)):
            raise ValueError("must be like https://tiles.example.org/{z}/{x}/{y}.png")
        return value

    @field_validator("webhook_on_call", "webhook_dispatcher", "webhook_supervisor", "webhook_admin")
    @classmethod
    def _webhook_is_an_address(cls, value: str) -> str:
        try:
            return str(_URL.validate_python(value)) if value else ""
        except ValidationError:
            raise ValueError("must be an address like https://staff.example.org/hook") from None

    @field_validator("webhook_secret")
    @classmethod
    def _webhooks_are_signed(cls, value: SecretStr | None, info: ValidationInfo) -> Any:
        names = [name for name in info.data if name.startswith("webhook_") and info.data[name]]
        if value is not None:
            signing_key(value.get_secret_value())
        elif names:
            raise ValueError(f"is needed to sign what is sent by CST_{names[0].upper()}")
        return value


S = TypeVar("S", bound=Settings)


def load_settings(kind: type[S], **values: Any) -> S:
    """Read settings of ``kind``; ``values`` win over the environment.

    Raises:
        ConfigError: one line that names every wrong variable, without the value of a secret.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        secrets, parts = _secrets(kind), []
        # What is wrong for not being set goes by its field's name.
        names = {name: field.alias or name for name, field in kind.model_fields.items()}
        for e in error.errors():
            name = ".".join(names.get(str(part), str(part)) for part in e["loc"])
            shown = "***" if name in secrets else repr(e["input"])
            parts.append(f"{name}={shown}: {e['msg']}")
        raise ConfigError("; ".join(parts)) from None


def _secrets(kind: type[Settings]) -> set[str]:
    """Names under which a secret may be given: the field's and its variable's."""
    return {
        given
        for name, field in kind.model_fields.items()
        if "SecretStr" in str(field.annotation)
        for given in (name, field.alias or name)
    }
