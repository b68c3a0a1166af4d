"""Packed documents come out as they went in, in any order and as often as they are asked for."""

from random import Random

import msgspec

from ldap_bridge.packs import Pack


def test_documents_come_out_of_a_pack_as_they_went_in() -> None:
    documents = [{"userName": f"person{number}", "name": {"familyName": 'Åkesson "D\'Angelo"'}} for number in range(60)]
    pack = Pack([msgspec.json.encode(document) for document in documents])
    places = [*range(60), 59, *Random(7).choices(range(60), k=200)]
    assert [pack.document(place) for place in places] == [documents[place] for place in places]


def test_a_document_out_of_a_pack_is_the_readers_own() -> None:
    pack = Pack([msgspec.json.encode({"emails": ["a"]})] * 2)
    pack.document(0)["emails"].append("b")
    assert pack.document(0) == {"emails": ["a"]}
