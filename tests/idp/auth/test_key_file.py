"""Where keys come from: the settings, a file, or this machine itself, whose own key is a draft until it is accepted."""

import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.auth import KeyFile
from idp.errors import ConfigError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def key_file(directory: Path, given: str = "") -> KeyFile:
    return KeyFile(given, directory / "secret.key", os.urandom)


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    keys = key_file(tmp_path / "var")
    first = keys.load()
    assert keys.draft.stat().st_mode & 0o777 == 0o600
    assert key_file(tmp_path / "var").load() == first
    keys.confirm()
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert key_file(tmp_path / "var").load() == first
    assert names(tmp_path / "var") == {"secret.key"}


def test_a_key_is_new_until_it_is_confirmed_however_often_it_is_loaded(tmp_path: Path) -> None:
    for _ in range(2):
        keys = key_file(tmp_path)
        keys.load()
        assert keys.is_new
    keys.confirm()
    assert not keys.is_new
    again = key_file(tmp_path)
    again.load()
    assert not again.is_new


def test_a_discarded_key_leaves_nothing_behind(tmp_path: Path) -> None:
    keys = key_file(tmp_path)
    keys.load()
    keys.discard()
    assert names(tmp_path) == set()
    assert keys.is_new, "it was not confirmed"


def test_a_file_that_was_put_there_meanwhile_stays_and_does_not_make_the_own_key_older(tmp_path: Path) -> None:
    keys = key_file(tmp_path)
    keys.load()
    text = b64encode(OLD).decode()
    keys.path.write_text(text)
    assert keys.is_new
    keys.discard()
    assert keys.path.read_text() == text
    assert key_file(tmp_path).load() == [OLD]


@pytest.mark.parametrize("later", [False, True])
def test_what_a_process_left_behind_that_was_killed_at_it_goes_with_the_next_start(tmp_path: Path, later: bool) -> None:
    keys = key_file(tmp_path)
    made = keys.load()
    (tmp_path / "secret.key.new.0123456789abcdef").write_text("half of a")
    if later:
        keys.path.hardlink_to(keys.draft)
    else:
        assert key_file(tmp_path).load() == made, "another process is at it"
        keys.confirm()
    copies = {"secret.key.old", "secret.key.new.bak", "secret.key.new.0123456789abcdef.bak"}
    for name in copies:
        (tmp_path / name).write_text("a copy of somebody's")
    assert key_file(tmp_path).load() == made
    assert names(tmp_path) == {"secret.key", *copies}


def test_a_draft_that_may_have_been_used_is_kept(tmp_path: Path) -> None:
    keys = key_file(tmp_path)
    keys.load()
    keys.path.write_text(b64encode(OLD).decode())
    assert key_file(tmp_path).load() == [OLD]
    assert keys.draft.exists()


def test_a_rotated_key_is_as_old_as_it_was(tmp_path: Path) -> None:
    keys = key_file(tmp_path)
    keys.load()
    keys.confirm()
    keys.path.write_text(f"{b64encode(NEW).decode()}\n{keys.path.read_text()}")
    assert not keys.is_new


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    def start(number: int) -> bytes:
        keys = key_file(tmp_path)
        [key] = keys.load()
        if number % 2:
            keys.confirm()
        return key

    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(start, range(64)))
    assert len(found) == 1
    assert names(tmp_path) == {"secret.key"}


def test_a_key_in_the_settings_wins_over_the_file(tmp_path: Path) -> None:
    key_file(tmp_path).load()
    given = key_file(tmp_path, f"{b64encode(NEW).decode()},{b64encode(OLD).decode()}")
    assert given.load() == [NEW, OLD]
    assert not given.is_new


@pytest.mark.parametrize("text", ["not base64!", b64encode(b"short").decode()])
def test_a_wrong_key_is_refused_by_name_and_not_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        key_file(tmp_path, text).load()
    assert caught.value.key == "secrets.key"
    assert text not in str(caught.value)


def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(ConfigError, match=r"file/secret\.key: the key file cannot be used"):
        key_file(tmp_path / "file").load()
