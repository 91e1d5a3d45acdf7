"""DDL as create_all and migrations send it."""

from sqlalchemy import Column, Integer, MetaData, Table, text

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    metadata = MetaData()
    Table("fresh", metadata, Column("id", Integer, primary_key=True))
    metadata.create_all(case.engine)
    with case.engine.begin() as connection:
        connection.execute(text("ALTER TABLE fresh ADD COLUMN more TEXT"))
        connection.execute(text("CREATE INDEX ix_fresh ON fresh (more)"))
    metadata.drop_all(case.engine)
    return True


expect = True
