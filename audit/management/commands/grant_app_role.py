"""Give the application's role what it needs and no more; the owner runs this after each migration."""

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg2 import sql

DATA = "SELECT, INSERT, UPDATE, DELETE"


def append_only_tables() -> list[str]:
    """Return the tables of the models that say `append_only`."""
    return sorted(model._meta.db_table for model in apps.get_models() if getattr(model, "append_only", False))


class Command(BaseCommand):
    """Let a role read and write every table, only add to the trail, and change no table's shape."""

    help = "Grant the application's role its rights; run as the owner of the tables after migrate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the role's name."""
        parser.add_argument("--role", default="hedong_app")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant; refuse a role that does not exist, that owns the tables or that stands above all rules."""
        role = options["role"]
        with transaction.atomic(), connection.cursor() as cursor:
            self.check_role(cursor, role)
            for statement in self.statements(role):
                cursor.execute(statement)
        self.stdout.write(f"{role} may now work with the tables, and only add to {', '.join(append_only_tables())}.")

    def check_role(self, cursor: Any, role: str) -> None:
        """Refuse a role for which grants would mean nothing."""
        cursor.execute("SELECT rolsuper, rolname = current_user FROM pg_roles WHERE rolname = %s", [role])
        found = cursor.fetchone()
        if found is None:
            raise CommandError(f"There is no role {role!r} in this database server. Create it first.")
        if any(found):
            raise CommandError(f"The role {role!r} owns everything here; the application needs a role of its own.")

    def statements(self, role: str) -> list[sql.Composed]:
        """Return the grants in order: first everything, then what is taken back."""
        name = sql.Identifier(role)
        broad = (
            "GRANT USAGE ON SCHEMA public TO {role}",
            "REVOKE CREATE ON SCHEMA public FROM {role}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
            f"GRANT {DATA} ON ALL TABLES IN SCHEMA public TO {{role}}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {DATA} ON TABLES TO {{role}}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
            "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
        )
        narrow = "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"
        return [sql.SQL(text).format(role=name) for text in broad] + [
            sql.SQL(narrow).format(table=sql.Identifier(table), role=name) for table in append_only_tables()
        ]
