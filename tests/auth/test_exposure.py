"""What the host says at its start about who can get at tokens; E2, E3 and T19 of the attack list."""

import pytest

from nexus.auth.exposure import exposures
from nexus.config.settings import GlobalSettings

ISSUER = {"issuer": "https://id.example/", "audience": "a"}
OPEN = {"server": {"host": "0.0.0.0"}}
BEHIND_TLS = {**OPEN, "base_url": "https://tools.example"}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, []),
        ({"auth": ISSUER}, []),
        ({"auth": ISSUER, **BEHIND_TLS}, []),
        ({"auth": ISSUER, **OPEN}, ["plain HTTP"]),
        ({"auth": {**ISSUER, "local": True}}, ["beside the configured one"]),
        ({"auth": {"allow_remote_local": True}, **BEHIND_TLS}, ["serves on 0.0.0.0"]),
        (
            {"auth": {**ISSUER, "local": True, "allow_remote_local": True}, **OPEN},
            ["plain HTTP", "serves on", "beside"],
        ),
    ],
    ids=["nothing", "loopback", "T19-behind-tls", "T19-plain", "E2-beside", "E3-forced", "all"],
)
def test_what_is_open_on_purpose_or_by_mistake_is_told(table, told):
    sentences = list(exposures(GlobalSettings.model_validate(table)))

    assert len(sentences) == len(told)
    assert all(words in sentence for words, sentence in zip(told, sentences, strict=True))
