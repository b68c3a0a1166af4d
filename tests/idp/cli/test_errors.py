"""What cannot be done is one message and a status; run inside of the test, since loading takes longer than failing."""

from pathlib import Path

import pytest

from idp.cli.main import main

AWAY = "mongodb://127.0.0.1:1/idp?replicaSet=rs0&serverSelectionTimeoutMS=500"


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory of the test's own, on a store that gives up soon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IDP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("IDP_STORE__TIMEOUT", "1")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Run a command as the shell would; returns its exit status."""
    monkeypatch.setattr("sys.argv", ["idp", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["user", "show", "nobody"], 1, "idp: User 'nobody' does not exist\n"),
        (["user", "create", "a/b", "--email", "a@example.org"], 1, "idp: userName: may not hold /\n"),
        (["user", "create", "eve", "--email", "e@x.org", "--role", "king"], 1, "idp: role: 'king' is none of "),
        (["ldap", "sync", "nowhere"], 1, "idp: directory 'nowhere' does not exist\n"),
        (["import", "nowhere.csv"], 1, "idp: nowhere.csv: cannot be read: No such file or directory\n"),
        (["import", "people.xlsx"], 2, "the ending must be one of csv, json, ldif"),
        (["--store", "sqlite:/proc/nowhere/x", "user", "list"], 2, "/proc/nowhere"),
        (["--store", AWAY, "user", "list"], 1, "idp: the store: not reachable\n"),
        (["--config", "nowhere.toml", "user", "list"], 2, "idp: nowhere.toml: cannot be read: No such file"),
        (["fly"], 2, "No such command 'fly'"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_a_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    assert run(monkeypatch, *arguments) == status
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
