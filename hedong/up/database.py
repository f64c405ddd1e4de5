"""The database and its two roles: one owns the tables, the other only works with them."""

from . import postgres

NAME, OWNER, APP = "hedong", "hedong_owner", "hedong_app"


def ensure(superuser_dsn: str, owner_password: str, app_password: str, name: str = NAME) -> None:
    """Create the roles and the database where they are missing, and set the passwords to ours."""
    import psycopg2
    from psycopg2 import sql

    connection = psycopg2.connect(superuser_dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for role, password in ((OWNER, owner_password), (APP, app_password)):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                verb = "ALTER" if cursor.fetchone() else "CREATE"
                statement = sql.SQL(f"{verb} ROLE {{}} LOGIN NOSUPERUSER PASSWORD {{}}")
                cursor.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if not cursor.fetchone():
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                cursor.execute(create.format(sql.Identifier(name), sql.Identifier(OWNER)))
    finally:
        connection.close()


def addresses(port: int, owner_password: str, app_password: str, name: str = NAME) -> tuple[str, str]:
    """Return the addresses for the owner and for the application."""
    return postgres.url(OWNER, owner_password, port, name), postgres.url(APP, app_password, port, name)
