"""Bring the database and the static files to where the processes may start."""

import os
import subprocess
import sys
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from hedong import preparation

OLDEST = 15


class Command(BaseCommand):
    """Migrate, grant, load; safe to run again, and quick when nothing has changed."""

    help = "Migrate, grant rights, load set-up data (in demo mode the demo district too), gather static files."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps, each with a line that people can read."""
        self._refuse_old_server()
        behind = self._behind()
        if behind or preparation.changed():
            if behind:
                self.stdout.write("· 建立数据表……")
                call_command("migrate", interactive=False, verbosity=0)
            self._grant()
            self._load()
            preparation.remember()
        if settings.DEMO:
            preparation.write_doors()

    def _refuse_old_server(self) -> None:
        try:
            version = connection.cursor().connection.server_version // 10000
        except OperationalError as error:
            raise CommandError(f"连不上数据库：{str(error).strip()}") from error
        if version < OLDEST:
            raise CommandError(f"数据库是 PostgreSQL {version}，至少需要 {OLDEST}。")

    @staticmethod
    def _behind() -> bool:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))

    @staticmethod
    def _grant() -> None:
        """Give the application's role its rights, where it is not the owner itself."""
        role = urlsplit(os.environ.get("APP_DATABASE_URL", "")).username
        if role and role != connection.settings_dict["USER"]:
            call_command("grant_app_role", role=role, stdout=StringIO())

    def _load(self) -> None:
        # Gathering the static files needs no database: it runs beside the loading.
        gather = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
        with subprocess.Popen(gather, cwd=settings.BASE_DIR) as gathering:
            self._load_tables()
            self.stdout.write("· 整理页面文件……")
            if gathering.wait():
                raise CommandError("页面文件没有整理好。")

    def _load_tables(self) -> None:
        self.stdout.write("· 装入工作日历、分类和时限……")
        call_command("load_basics", stdout=StringIO())
        if settings.DEMO:
            self.stdout.write("· 装入演示地区：地点、合伙人、资源和正在办理的事……")
            kept = preparation.accounts_file()
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            call_command("load_demo", **_wanted(), history="later", accounts_file=kept, stdout=StringIO())


def _wanted() -> dict[str, str]:
    """Return which demo district to load: the one that the environment names, else the one that is there."""
    from hedong.demo.load import loaded
    from hedong.demo.scale import SCALES

    present = loaded() or {"preset": "fictional", "scale": "full"}
    wanted = {}
    for name, known in (("preset", ("fictional", "hedong")), ("scale", tuple(SCALES))):
        variable = f"HEDONG_{name.upper()}"
        wanted[name] = os.environ.get(variable) or present[name]
        if wanted[name] not in known:
            raise CommandError(f"{variable} 可以是 {' 或 '.join(known)}，现在是“{wanted[name]}”。")
    return wanted
