import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from records import access_log
from records.access_log import Access
from tests.builders import MONDAY, a_life
from tests.records.writing import admit


@pytest.fixture
def access(connection: Connection) -> Access:
    life = a_life()
    admit(connection, life)
    return Access(MONDAY, "mali", "th-datip", life.case.id, ("names", "age"), "เพื่อโทรหา")


def test_it_keeps_who_opened_what_and_why(connection: Connection, access: Access) -> None:
    access_log.write(connection, access)
    access_log.write(connection, access)
    assert access_log.of_case(connection, access.case_id) == [access, access]


@pytest.mark.parametrize(
    "change",
    ["UPDATE access_log SET purpose = ''", "DELETE FROM access_log", "TRUNCATE access_log"],
)
def test_it_is_only_ever_added_to(connection: Connection, access: Access, change: str) -> None:
    access_log.write(connection, access)
    with pytest.raises(IntegrityError, match="written once"):
        connection.execute(text(change))
