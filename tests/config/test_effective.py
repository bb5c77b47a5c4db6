import json
from enum import Enum

from pydantic import BaseModel, ConfigDict, SecretStr

from nexus.config.binding import bind
from nexus.config.effective import SettingView, as_config_json, views
from nexus.config.host_binding import bind_host
from nexus.config.scrubber import Scrubber
from nexus.config.secret import Secret
from tests.config.conftest import Load

AT = ("modules", "a", "config")
CANARY = "canary-4711-value"


class Size(Enum):
    BIG = "big"


class Plain:
    def __str__(self) -> str:
        return CANARY


class Deep(BaseModel):
    key: Secret | None = None
    depth: int = 1


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    text: str = "hello"
    size: Size = Size.BIG
    endless: float = float("inf")
    url: str = ""
    key: Secret | None = None
    foreign: SecretStr = SecretStr("")
    keys: tuple[Secret, ...] = ()
    referenced: str = ""
    untyped: dict[str, object] = {}
    names: tuple[str, ...] = ()
    deep: Deep = Deep()
    plain: Plain = Plain()


TEXT = f"""
[modules.a.config]
text = "hi"
url = "postgresql://user:{CANARY}@db/x?password={CANARY}&a=b"
key = {{ env = "KEY" }}
foreign = "{CANARY}"
keys = ["{CANARY}"]
referenced = {{ env = "KEY" }}
untyped = {{ password = "{CANARY}" }}
names = ["x", {{ env = "KEY" }}]
"""


def shown(load_files: Load, text: str = TEXT, **environ: str) -> dict[str, SettingView]:
    loaded = load_files(text, environ={"KEY": CANARY, **environ})
    bound = bind(loaded.tree, AT, Settings, scrubber=Scrubber())
    assert bound.value is not None
    return {view.path: view for view in views(bound.value, loaded.tree, AT)}


def test_no_view_holds_a_secret_however_it_was_given(load_files: Load):
    found = shown(load_files, NEXUS__MODULES__A__CONFIG__DEEP__KEY=CANARY)

    assert CANARY not in repr(found)
    assert CANARY not in json.dumps(as_config_json(list(found.values())))
    assert {path for path, view in found.items() if view.secret} == {
        "key", "foreign", "keys", "referenced", "untyped", "names", "deep.key",
    }  # fmt: skip


def test_every_leaf_is_there_with_its_origin_defaults_included(load_files: Load):
    found = shown(load_files, NEXUS__MODULES__A__CONFIG__DEEP__DEPTH="3")

    assert list(found) == [*(name for name in Settings.model_fields if name not in ("deep", "plain")), "deep.key",
                           "deep.depth", "plain"]  # fmt: skip
    assert (found["text"].value, str(found["text"].origin)) == ("hi", "config.toml:3")
    assert (found["size"].value, str(found["size"].origin)) == ("big", "default")
    assert (found["deep.depth"].value, str(found["deep.depth"].origin)) == (
        3,
        "env NEXUS__MODULES__A__CONFIG__DEEP__DEPTH",
    )
    assert found["url"].value == "postgresql://******@db/x?password=******&a=b"
    assert found["endless"].value == "inf"
    assert found["plain"].value == "(Plain)"


def test_a_secret_tells_whether_and_from_where_it_is_set(load_files: Load):
    config = as_config_json(list(shown(load_files).values()))

    assert config["key"] == {"secret": True, "set": True, "source": "env:KEY"}
    assert config["deep"] == {"key": {"secret": True, "set": False, "source": None}, "depth": 1}
    assert as_config_json(list(shown(load_files, "").values()))["foreign"] == {
        "secret": True,
        "set": False,
        "source": None,
    }


def test_a_key_is_shown_as_it_is_spelt(load_files: Load):
    text = "[global.auth]\nissuer = 'https://i/'\naudience = 'a'\njwksUri = 'https://i/keys'\nmaxLifetime = 60\n"
    loaded = load_files(text)
    settings = bind_host(loaded, Scrubber()).value

    assert settings is not None
    found = {view.path: view for view in views(settings.global_, loaded.tree, ("global",))}
    assert (found["auth.jwksUri"].value, str(found["auth.jwksUri"].origin)) == ("https://i/keys", "config.toml:4")
    assert (found["auth.maxLifetime"].value, found["auth.maxLifetime"].origin.line) == (60, 5)
    assert found["server.port"].value == 3001
