"""Whichever way Nexus is installed, the command is there and the shipped modules serve."""

import json
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.package

SHIPPED = {"hello", "liveness", "uptime"}


def test_the_command_explains_itself(installation):
    assert "serve" in installation.run("--help")


def test_the_shipped_modules_are_found(installation):
    assert installation.module_names() >= SHIPPED


def test_a_host_without_configuration_serves_the_liveness_module(installation):
    with installation.serving() as url:
        with urllib.request.urlopen(f"{url}/m/liveness/up") as answer:
            assert json.load(answer) == {"message": "up"}

        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"{url}/api/version")
        refusal.value.close()

    assert refusal.value.code == 401
