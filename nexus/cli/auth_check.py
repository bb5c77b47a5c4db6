"""`nexus auth check`: the issuers as they are now, and a token's decision rule by rule."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nexus.cli.console import emit, emit_json, painted, plain
from nexus.cli.failure import ExitCode, Failed
from nexus.cli.options import as_json, configured

if TYPE_CHECKING:
    from nexus.auth.explain import Explanation
    from nexus.cli.issuer_probe import Examination, IssuerReport


@click.group()
def auth() -> None:
    """Check the issuers, and explain what is decided of a token."""


@auth.command(short_help="Verify the settings against the live issuers.")
@configured
@click.option("--token", metavar="-", help="'-' explains the token on stdin; it is never printed.")
@as_json
def check(files: tuple[Path, ...], environment: str | None, token: str | None, json_wanted: bool) -> int:
    """Verify the settings against the live issuers; with --token - explain, rule by rule, what is decided of a token.

    Exit code 1 where an issuer's tokens cannot be verified, 5 where the token is refused.
    """
    from nexus.auth.refusal import KeysUnavailable
    from nexus.cli.issuer_probe import examine
    from nexus.cli.local import state_dir, state_kept
    from nexus.cli.remote import read_host_settings, read_token

    if token not in (None, "-"):
        raise Failed(
            "--token takes '-' and reads the token from stdin: a command line is seen by others", ExitCode.USAGE
        )
    given = read_token() if token else None
    loaded, settings = read_host_settings(files, environment)
    try:
        with state_kept():
            examination = examine(settings.global_.auth, state_dir(loaded), given)
    except KeysUnavailable:
        raise Failed(
            "the keys of the token's issuer are not to be had, so nothing can be decided: 'nexus auth check' without"
            " --token tells why"
        ) from None
    if json_wanted:
        emit_json(_report(examination))
    else:
        _emit(examination)
    if any(issuer.failures for issuer in examination.issuers):
        return ExitCode.FAILED
    refused = examination.explanation is not None and not examination.explanation.accepted
    return ExitCode.NOT_AUTHORISED if refused else ExitCode.OK


def _emit(examination: "Examination") -> None:
    if examination.local is not None:
        emit(f"issuer     {plain(examination.local)} (of this installation)")
    for issuer in examination.issuers:
        _emit_issuer(issuer)
    if examination.explanation is not None:
        _emit_explanation(examination.explanation)


def _emit_issuer(issuer: "IssuerReport") -> None:
    emit(f"issuer     {plain(issuer.issuer)}")
    emit(f"settings   {plain(issuer.settings)}")
    if issuer.metadata is not None:
        emit(f"discovery  {painted('ok')}, token endpoint {plain(issuer.metadata.token_endpoint or 'not named')}")
    if issuer.status is not None and issuer.status.ok:
        emit(f"keys       {painted('ok')}, {issuer.status.keys} usable")
    if issuer.clock_offset is not None:
        emit(f"clock      {issuer.clock_offset:+.0f} s from ours")
    for message in issuer.failures:
        emit(f"{painted('fails')}      {plain(message)}")
    for message in issuer.warnings:
        emit(f"{painted('warning')}    {plain(message)}")


def _emit_explanation(explanation: "Explanation") -> None:
    emit("the token would be " + ("accepted" if explanation.accepted else "refused"))
    for rule in explanation.rules:
        padding = " " * (12 - len(rule.outcome))
        emit(f"  {rule.rule:<10} {painted(rule.outcome)}{padding}{plain(rule.detail)}".rstrip())


def _report(examination: "Examination") -> dict[str, Any]:
    explanation = examination.explanation
    return {
        "local_issuer": examination.local,
        "issuers": [_issuer_json(issuer) for issuer in examination.issuers],
        "token": explanation
        and {
            "accepted": explanation.accepted,
            "rules": [
                {"rule": rule.rule, "outcome": rule.outcome, "detail": rule.detail} for rule in explanation.rules
            ],
        },
    }


def _issuer_json(issuer: "IssuerReport") -> dict[str, Any]:
    return {
        "issuer": issuer.issuer,
        "settings": issuer.settings,
        "token_endpoint": issuer.metadata.token_endpoint if issuer.metadata else None,
        "jwks_uri": issuer.metadata.jwks_uri if issuer.metadata else None,
        "keys": issuer.status.keys if issuer.status else 0,
        "clock_offset": issuer.clock_offset,
        "failures": issuer.failures,
        "warnings": issuer.warnings,
    }
