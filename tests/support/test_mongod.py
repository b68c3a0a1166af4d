"""The mongod that tests use takes transactions, keeps what it acknowledged, and can be frozen."""

from collections.abc import Callable

from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.client_session import AsyncClientSession

from tests.support.mongod import Mongod

Document = dict[str, object]


async def test_a_transaction_over_two_collections_is_all_or_nothing(mongo_database_uri: str) -> None:
    async with AsyncMongoClient[Document](mongo_database_uri) as client:
        database = client.get_default_database()

        async def insert_two(session: AsyncClientSession) -> None:
            await database.left.insert_one({"_id": "a"}, session=session)
            await database.right.insert_one({"_id": "b"}, session=session)

        async with client.start_session() as session:
            await session.with_transaction(insert_two)
            async with await session.start_transaction():
                await database.left.insert_one({"_id": "c"}, session=session)
                await session.abort_transaction()
        found = [document["_id"] async for document in database.left.find()]
        assert found == ["a"]
        assert await database.right.count_documents({}) == 1


def test_each_test_has_an_empty_database_of_its_own(mongo_database_uri: str) -> None:
    with MongoClient[Document](mongo_database_uri) as client:
        assert client.get_default_database().list_collection_names() == []


def test_what_was_acknowledged_with_majority_outlives_a_kill(new_mongod: Callable[[], Mongod]) -> None:
    server = new_mongod()
    server.start()
    with MongoClient[Document](server.uri, w="majority", journal=True) as client:
        client.test.people.insert_one({"_id": "kept"})
    server.kill()
    server.start()
    with MongoClient[Document](server.uri) as client:
        assert client.test.people.count_documents({"_id": "kept"}) == 1
