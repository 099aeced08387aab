"""Makes the engine's database with some rows in it: `python3 seed.py sqlite:///engine.db`."""

import sys
from datetime import datetime, timedelta

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from models import Base, ExecutionDB, SettingsDB, UserDB, WorkflowDB, WorkflowShareDB, WorkflowVersionDB

# bcrypt.hashpw(b"correct horse battery", bcrypt.gensalt()), with the default cost of Python's bcrypt.
HASH = "$2b$12$IyGiaFQM.9wuPv/FIrbN/ePY5m0rHpWoyWycCI45PEtyZnH/BPhRe"
MONDAY = datetime(2024, 1, 1, 9, 30, 0, 123456)

TRIAGE = {"nodes": [{"id": "read", "type": "inbox"}, {"id": "judge", "type": "llm", "temperature": 1.0}], "edges": [["read", "judge"]]}
REPORT = {"nodes": [{"id": "collect", "type": "sql"}], "title": "Bericht für Zoë"}


def user(key, name, **other):
    return UserDB(id=key, username=name, email=key + "@example.com", hashed_password=HASH, created_at=MONDAY, **other)


def rows():
    yield user("ada", "ada", is_admin=True, last_login_at=MONDAY)
    yield user("bob", "bob")
    yield user("cyd", "cyd", is_active=False)
    yield SettingsDB(user_id="ada", settings_data={"llm": {"provider": "openai", "api_key": "sk-of-ada-in-clear"}, "theme": "dark"})
    yield WorkflowDB(id="triage", name="Support triage", definition=TRIAGE, owner_id="ada", is_public=True, created_at=MONDAY)
    yield WorkflowDB(id="report", name="Nightly report", definition=REPORT, owner_id="bob", created_at=MONDAY)
    yield WorkflowVersionDB(id="triage-1", workflow_id="triage", version_number=1, definition={"nodes": []}, created_by="ada")
    yield WorkflowVersionDB(id="triage-2", workflow_id="triage", version_number=2, definition=TRIAGE, change_notes="two nodes")
    yield WorkflowShareDB(id="share", workflow_id="triage", shared_with_user_id="bob", permission="edit")
    for number in range(40):
        yield ExecutionDB(
            id=f"run-{number}",
            workflow_id="triage" if number % 2 else "report",
            user_id="ada" if number % 3 else None,
            status="pending" if number == 39 else "completed",
            state=number if number % 5 == 0 else {"number": number, "text": "Grüße"},
            started_at=None if number == 39 else MONDAY + timedelta(minutes=number),
            completed_at=None if number == 39 else MONDAY + timedelta(minutes=number, seconds=7),
        )


def troubles():
    """What SQLite lets in and other databases don't: it checks no foreign keys, and `Ada` is another name to it."""
    yield user("ada.again", "Ada")
    yield ExecutionDB(id="orphan", workflow_id="deleted", status="completed")
    yield ExecutionDB(id="crashed", workflow_id="report", status="crashed")


def main(url):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    made = list(rows()) + (list(troubles()) if engine.dialect.name == "sqlite" else [])
    with Session(engine) as session, session.begin():
        for row in made:
            session.add(row)
            session.flush()
    print(f"{len(made)} rows in {engine.url.render_as_string()}")


if __name__ == "__main__":
    main(sys.argv[1])
