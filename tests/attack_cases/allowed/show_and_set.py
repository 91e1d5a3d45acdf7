"""Settings of the session, shown and set."""

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    with case.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '5s'")
        connection.exec_driver_sql("SET LOCAL timezone TO 'UTC'")
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.exec_driver_sql("SELECT set_config('app.tenant', '7', true)")
        return [
            connection.exec_driver_sql("SHOW statement_timeout").scalar(),
            connection.exec_driver_sql("SELECT current_setting('app.tenant')").scalar(),
            connection.exec_driver_sql("SHOW timezone").scalar(),
        ]


expect = ["5s", "7", "UTC"]
