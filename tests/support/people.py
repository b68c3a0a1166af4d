"""A sample company for directories: people of many scripts, departments, nested groups; the same at every call."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.support.ldif import Entry, escape_rdn, write_entry

BASE = "dc=example,dc=org"

GIVEN_NAMES = (
    *("Anna", "Björn", "Chloé", "Dmitri", "Elif", "François", "Grzegorz", "Həcər", "Ion", "Jürgen", "Kateřina", "Lê"),
    *(
        "María José",
        "Nuño",
        "Ólafur",
        "Patricia",
        "Rūta",
        "Søren",
        "Þórdís",
        "Ursula",
        "Владимир",
        "Ελένη",
        "太郎",
        "李",
    ),
)
FAMILY_NAMES = (
    *("Abad", "Åkesson", "O'Brien", "Çelik", "D'Angelo", "Ekström", "Fernández, Jr.", "Großmann", "Håkonsen", "İnan"),
    *(
        "Jørgensen",
        "Kowalczyk-Łęcka",
        "Løvås",
        "Müller",
        "Nguyễn",
        "Ó Súilleabháin",
        "Пушкин",
        "Παπαδοπούλου",
        "佐藤",
        "王",
    ),
)
DEPARTMENTS = ("Engineering", "Sales", "Support", "Finance", "Legal + Compliance", "Büro München", "研究開発")


@dataclass(frozen=True)
class Person:
    """One inetOrgPerson with fifteen attributes; the password is the login name and `-password`."""

    uid: str
    given_name: str
    family_name: str
    department: str
    number: int
    base: str = BASE

    @property
    def dn(self) -> str:
        """The distinguished name."""
        return f"uid={escape_rdn(self.uid)},ou=people,{self.base}"

    @property
    def mail(self) -> str:
        """The mail address."""
        return f"{self.uid}@example.org"

    @property
    def password(self) -> str:
        """The password the directory accepts."""
        return f"{self.uid}-password"

    @property
    def display_name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}"

    def attributes(self) -> Entry:
        """The entry without its DN."""
        return {
            "objectClass": ["inetOrgPerson"],
            "uid": [self.uid],
            "cn": [self.display_name],
            "givenName": [self.given_name],
            "sn": [self.family_name],
            "displayName": [self.display_name],
            "mail": [self.mail],
            "telephoneNumber": [f"+49 30 {self.number:07d}"],
            "mobile": [f"+49 171 {self.number:07d}"],
            "title": ["Head of department" if self.number % 50 == 0 else "Member of staff"],
            "departmentNumber": [self.department],
            "employeeNumber": [f"{self.number}"],
            "employeeType": ["contractor" if self.number % 7 == 0 else "employee"],
            "l": ["Berlin"],
            "postalCode": [f"{10000 + self.number % 90000}"],
            "userPassword": [self.password],
        }


@dataclass
class Group:
    """One groupOfNames; members are DNs, of people and of groups."""

    name: str
    members: list[str] = field(default_factory=list)
    base: str = BASE

    @property
    def dn(self) -> str:
        """The distinguished name."""
        return f"cn={escape_rdn(self.name)},ou=groups,{self.base}"

    def attributes(self) -> Entry:
        """The entry without its DN."""
        return {
            "objectClass": ["groupOfNames"],
            "cn": [self.name],
            "description": [f"Everybody in {self.name}"],
            # The object class asks for at least one member; the customary stand-in is an empty DN.
            "member": self.members or [""],
        }


@dataclass
class Company:
    """People and groups under one base."""

    people: list[Person]
    groups: list[Group]
    base: str = BASE

    def ldif(self) -> str:
        """The whole directory for slapadd, parents first; with memberOf, which slapadd's missing overlays leave out."""
        return "".join(self._records())

    def _records(self) -> Iterator[str]:
        yield write_entry(self.base, {"objectClass": ["organization", "dcObject"], "o": ["Example"], "dc": ["example"]})
        for name in ("people", "groups", "policies"):
            yield write_entry(f"ou={name},{self.base}", {"objectClass": ["organizationalUnit"], "ou": [name]})
        yield write_entry(
            f"cn=default,ou=policies,{self.base}",
            {"objectClass": ["device", "pwdPolicy"], "cn": ["default"], "pwdAttribute": ["userPassword"]},
        )
        groups_of: dict[str, list[str]] = {}
        for group in self.groups:
            for member in group.members:
                groups_of.setdefault(member, []).append(group.dn)
        entries: list[Person | Group] = [*self.people, *self.groups]
        for entry in entries:
            yield write_entry(entry.dn, {**entry.attributes(), "memberOf": groups_of.get(entry.dn, [])})


def make_person(number: int, base: str = BASE) -> Person:
    """Return the person of this number, always the same."""
    draw = Random(number)
    return Person(
        uid=f"person{number:06d}",
        given_name=draw.choice(GIVEN_NAMES),
        family_name=draw.choice(FAMILY_NAMES),
        department=draw.choice(DEPARTMENTS),
        number=number,
        base=base,
    )


def make_company(people: int = 50, groups: int = 10, *, members: int = 20, base: str = BASE) -> Company:
    """Return a company: departments, teams, `Everybody` that holds the departments, and two groups in a loop.

    `groups` counts them all (at least departments, Everybody and the loop: ten); teams have `members` people each.
    """
    staff = [make_person(number, base) for number in range(1, people + 1)]
    departments = [
        Group(name, [person.dn for person in staff if person.department == name], base) for name in DEPARTMENTS
    ]
    everybody = Group("Everybody", [group.dn for group in departments], base)
    chicken, egg = Group("Chicken", [], base), Group("Egg", [], base)
    chicken.members, egg.members = [egg.dn, *[person.dn for person in staff[:1]]], [chicken.dn]
    draw = Random(groups)
    teams = [
        Group(f"Team {number}", [person.dn for person in draw.sample(staff, min(members, people))], base)
        for number in range(1, groups - len(departments) - 2)
    ]
    return Company(staff, [*departments, everybody, chicken, egg, *teams], base)
