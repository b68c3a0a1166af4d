"""`idp ldap` on a directory of the test's own: what it prints for people, for programs, and on a terminal."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.support.idp import PROGRAM, Idp, LoadedIdp
from tests.support.people import Company, make_company

PEOPLE, GROUPS = 20, 12


@pytest.fixture(scope="module")
def company() -> Company:
    return make_company(PEOPLE, GROUPS)


@pytest.fixture(scope="module")
def ldif(tmp_path_factory: pytest.TempPathFactory, company: Company) -> Path:
    file = tmp_path_factory.mktemp("ldif") / "company.ldif"
    file.write_text(company.ldif())
    return file


@pytest.fixture
def idp(tmp_path: Path, ldif: Path) -> Idp:
    """An installation whose directory is a file; no server runs."""
    settings = {"IDP_LDAP__CORP__URL": f"ldif:{ldif}", "IDP_LDAP__CORP__STABLE_ID": "dn"}
    return LoadedIdp(tmp_path / "idp", settings=settings)


def test_a_plan_names_everybody_and_changes_nothing(idp: Idp, company: Company) -> None:
    done = idp.run("ldap", "plan", "corp")
    assert done.returncode == 0
    for person in company.people:
        assert f"create    user   {person.uid}\n" in done.stdout
    for group in company.groups:
        assert f"create    group  {group.name}\n" in done.stdout
    assert f"{PEOPLE} people and {GROUPS} groups read from ldif:" in done.stderr
    assert idp.command("user", "list") == "No accounts."
    assert idp.json("ldap", "plan", "corp")["counts"]["create"] == PEOPLE + GROUPS


def test_a_run_tells_what_it_did_by_name_and_field_and_is_remembered(idp: Idp, company: Company, ldif: Path) -> None:
    first = idp.json("ldap", "sync", "corp", "--changes")
    assert (first["state"], first["counts"]["create"], first["errors"]) == ("applied", PEOPLE + GROUPS, 0)
    assert {person.uid for person in company.people} <= {change["name"] for change in first["changes"]}
    person = company.people[0]
    ldif.write_text(company.ldif().replace(f"mail: {person.mail}", "mail: new.address@example.org"))
    second = idp.run("ldap", "sync", "corp")
    ldif.write_text(company.ldif())
    assert second.returncode == 0
    assert f"update    user   {person.uid}" in second.stdout
    assert "emails" in second.stdout
    assert "new.address@example.org" in second.stdout
    runs = idp.json("ldap", "runs", "corp")
    assert [run["counts"]["create"] for run in runs] == [0, PEOPLE + GROUPS]
    assert idp.json("ldap", "runs") == runs
    shown = idp.json("ldap", "show", runs[0]["id"])
    assert shown == {**runs[0], "changes": shown["changes"]}
    assert [change["name"] for change in shown["changes"]] == [person.uid]


def test_a_person_is_explained(idp: Idp, company: Company) -> None:
    run = idp.json("ldap", "sync", "corp")["id"]
    person = company.people[0]
    told = idp.json("ldap", "explain", "corp", person.mail)
    assert {value["run"] for value in told["values"] if value["attribute"] == "userName"} == {run}
    shown = idp.command("ldap", "explain", "corp", person.uid)
    assert max(len(line) for line in shown.splitlines() if " " in line.strip()) <= 80
    shown = " ".join(shown.split())
    assert f"uid: {person.uid}" in shown
    assert f"ldap:corp run {run}" in shown
    assert person.dn in shown


def test_the_status_names_entries_that_cannot_be_mapped(idp: Idp, company: Company, ldif: Path) -> None:
    ldif.write_text(company.ldif().replace(f"uid: {company.people[0].uid}\n", "uid: \n"))
    idp.command("ldap", "sync", "corp")
    shown = idp.run("ldap", "status")
    (told,) = idp.json("ldap", "status")
    ldif.write_text(company.ldif())
    assert "corp: 1 problem, left as before:" in shown.stderr
    assert company.people[0].dn in shown.stderr
    assert (told["problems"], told["left"][0]["dn"], told["running"]) == (1, company.people[0].dn, "")


def test_a_run_is_shown_by_kind_and_by_person(idp: Idp, company: Company) -> None:
    run = idp.json("ldap", "sync", "corp")["id"]
    person, group = company.people[0], company.groups[0]
    about = idp.json("ldap", "show", run, "--who", person.uid.upper())["changes"]
    assert about[0]["kind"] == "create"
    assert {change["name"] for change in about[1:]} == {g.name for g in company.groups if person.dn in g.members}
    shown = idp.command("ldap", "show", run, "--kind", "members", "--who", group.name)
    assert f"members   group  {group.name}" in shown
    assert "create  " not in shown
    wrong = idp.run("ldap", "show", run, "--kind", "everything")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'everything' is none of conflict, create," in wrong.stderr


def test_a_run_that_is_none_is_no_empty_run(idp: Idp) -> None:
    done = idp.run("ldap", "show", "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "idp: run 'nope' does not exist\n"


def test_a_run_with_conflicts_ends_with_status_1_and_names_them(idp: Idp, company: Company) -> None:
    uid = company.people[0].uid
    idp.command("user", "create", uid, "--email", "other@example.net", "--password-stdin", stdin="a river runs uphill")
    done = idp.run("ldap", "sync", "corp")
    assert done.returncode == 1
    assert f"conflict  user   {uid}" in done.stdout
    assert "1 conflict" in done.stderr
    assert "Conflicts wait for a decision: `idp ldap conflicts corp`." in done.stderr
    (found,) = idp.json("ldap", "conflicts", "corp")
    assert (found["login"], found["holder_name"], found["holder_source"]) == (uid, uid, "local")
    assert f"{found['id']}  corp    user  {uid}" in idp.command("ldap", "conflicts")
    wrong = idp.run("ldap", "resolve", found["id"], "burn")
    assert (wrong.returncode, "'burn' is none of link, rename" in wrong.stderr) == (2, True)
    decided = idp.json("ldap", "resolve", found["id"], "rename", "--name", f"{uid}.corp", "--now")
    assert (decided["conflict"]["choice"], decided["run"]["state"]) == ("rename", "applied")
    assert f"rename {uid}.corp by cli:" in idp.command("ldap", "conflicts")
    assert idp.json("user", "show", f"{uid}.corp")["userName"] == f"{uid}.corp"


def test_conflicts_are_decided_several_at_once(idp: Idp, company: Company) -> None:
    for number, person in enumerate(company.people[:3]):
        name, mail = (person.uid, f"other{number}@example.net") if number else ("somebody", person.mail)
        idp.command("user", "create", name, "--email", mail)
    idp.run("ldap", "sync", "corp")
    ids = {one["about"]: one["id"] for one in idp.json("ldap", "conflicts", "corp")}
    for wrong in (["skip"], [ids["mail"], "skip", "--all", "corp"], ["skip", "--all", "corp", "--about", "rain"]):
        assert idp.run("ldap", "resolve", *wrong).returncode == 2
    assert idp.run("ldap", "resolve", *ids.values(), "rename", "--name", "x").returncode == 2
    (skipped,) = idp.json("ldap", "resolve", "--all", "corp", "--about", "mail", "skip")["conflicts"]
    assert (skipped["id"], skipped["choice"], skipped["problem"]) == (ids["mail"], "skip", "")
    partly = idp.run("ldap", "resolve", ids["mail"], ids["login"], "nope", "rename")
    assert partly.returncode == 1
    assert "conflict 'nope' does not exist" in partly.stdout
    assert "1 of 3 conflicts decided." in partly.stderr
    done = idp.json("ldap", "resolve", "--all", "corp", "link", "--now")
    assert [one["problem"] for one in done["conflicts"]] == ["", ""]
    assert [run["state"] for run in done["runs"]] == ["applied"]


def test_a_run_that_would_disable_too_many_is_held_and_ends_with_status_1(
    idp: Idp, company: Company, ldif: Path
) -> None:
    idp.command("ldap", "sync", "corp")
    ldif.write_text(Company(company.people[:5], company.groups).ldif())
    held = idp.run("ldap", "sync", "corp")
    run = idp.json("ldap", "runs", "corp", "--limit", "1")[0]["id"]
    approved = idp.run("ldap", "approve", run)
    again = idp.run("ldap", "approve", run)
    ldif.write_text(company.ldif())
    assert held.returncode == 1
    assert "Nothing was changed: " in held.stderr
    assert f"  idp ldap approve {run}  do it and nothing else\n" in held.stderr
    assert approved.returncode == 0
    assert approved.stdout.count("disable   user") == PEOPLE - 5
    assert (again.returncode, again.stdout) == (1, "")
    assert "is approved, and run " in again.stderr
    assert len(idp.json("user", "list", "--inactive")) == PEOPLE - 5


def test_a_rejected_plan_is_not_asked_about_again_and_a_dry_run_can_be_applied(
    idp: Idp, company: Company, ldif: Path
) -> None:
    idp.command("ldap", "sync", "corp")
    ldif.write_text(Company(company.people[:5], company.groups).ldif())
    run = json.loads(idp.run("ldap", "sync", "corp", "--json").stdout)["id"]
    assert idp.json("ldap", "reject", run, "--why", "no")[0]["state"] == "rejected"
    again = idp.run("ldap", "sync", "corp")
    status = idp.run("ldap", "status", "--json")
    plan = idp.json("ldap", "plan", "corp")
    applied = idp.run("ldap", "apply", plan["run"])
    ldif.write_text(company.ldif())
    assert again.returncode == 1
    assert "has rejected this plan" in again.stderr
    assert (status.returncode, json.loads(status.stdout)[0]["health"]) == (1, "held")
    assert plan["counts"]["disable"] == PEOPLE - 5
    assert applied.returncode == 0
    assert len(idp.json("user", "list", "--inactive")) == PEOPLE - 5


def test_a_directory_that_cannot_be_reached_is_named(idp: Idp) -> None:
    env = {"IDP_LDAP__CORP__URL": "ldap://127.0.0.1:1", "IDP_LDAP__CORP__BASE": "dc=example,dc=org"}
    for command in ("test", "plan", "sync"):
        done = idp.run("ldap", command, "corp", env=env)
        assert done.returncode == 1
        assert done.stderr.startswith("idp: directory 'corp': ")
        assert done.stdout == ""


def test_a_broken_file_is_named_with_its_line_and_changes_nothing(idp: Idp, tmp_path: Path, company: Company) -> None:
    broken = tmp_path / "broken.ldif"
    broken.write_text(company.ldif()[:-400] + "\nthis is no attribute\n")
    done = idp.run("ldap", "sync", "corp", env={"IDP_LDAP__CORP__URL": f"ldif:{broken}"})
    assert done.returncode == 1
    assert f"{broken}, line " in done.stderr
    assert idp.command("user", "list") == "No accounts."


def test_on_a_terminal_there_is_a_progress_bar_and_colour(idp: Idp) -> None:
    ours, theirs = pty.openpty()
    env = {name: value for name, value in idp.env.items() if name != "NO_COLOR"} | {"TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([PROGRAM, "ldap", "sync", "corp"], stdout=theirs, stderr=theirs, env=env, cwd=idp.cwd)
    os.close(theirs)
    shown = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the other side was closed
            break
        shown += read
    os.close(ours)
    assert process.wait(30) == 0
    text = shown.decode()
    assert "━" in text
    assert "/s" in text
    assert "\x1b[32mcreate" in text


def test_people_are_converted_with_a_preview(idp: Idp, company: Company) -> None:
    assert idp.run("ldap", "sync", "corp").returncode == 0
    ada, bob = company.people[0].uid, company.people[1].uid
    (seen,) = idp.json("ldap", "convert", ada, "--preview")
    assert (seen["old"], seen["new"], seen["mailed"]) == ("ldap:corp", "local", True)
    done = idp.run("ldap", "convert", ada)
    assert done.returncode == 0
    assert "1 of 1 person converted." in done.stderr
    again = idp.run("ldap", "convert", ada)
    assert again.returncode == 1
    assert "comes from no directory" in again.stdout
    back = idp.json("ldap", "convert", ada, "--to", "corp")
    assert back[0]["new"] == "ldap:corp"
    assert idp.run("ldap", "convert", bob, "--to", "nowhere").returncode == 1
    assert idp.run("ldap", "convert").returncode == 2
    assert len(idp.json("ldap", "convert", "--all", "corp", "--preview")) == PEOPLE
