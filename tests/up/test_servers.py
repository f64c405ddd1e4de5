"""As whom PostgreSQL runs, also where the start is root's: no user is made, no folder of others is touched."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from hedong.up import children, postgres
from hedong.up.words import Trouble

NOBODY = postgres.Identity(user=65534)
AS = {"as usual": None, "as nobody": NOBODY} if os.geteuid() == 0 else {"as usual": None}


@pytest.mark.parametrize("who", AS.values(), ids=AS)
def test_the_server_runs(who: postgres.Identity | None) -> None:
    """Root's folders are closed to nobody, so theirs must be one that anybody may enter, and it stays as it is."""
    folder = Path(tempfile.mkdtemp(prefix="hedong-test-"))
    folder.chmod(0o755)
    before = [(above.stat().st_mode, above.stat().st_uid) for above in (folder, *folder.parents)]
    cluster = postgres.Cluster(folder / "postgres", "secret", who=who)
    cluster.ensure_data()
    popen = children.start(
        cluster.command(), env=os.environ, cwd=Path("/"), log=folder / "log", user=cluster.who.user, sign=signal.SIGINT
    )
    try:
        cluster.wait_ready()
        with pytest.raises(Trouble, match="password authentication failed"):
            postgres.wait_ready(postgres.url(cluster.user, "wrong", cluster.port, "postgres"))
        assert [(above.stat().st_mode, above.stat().st_uid) for above in (folder, *folder.parents)] == before
    finally:
        children.stop([(popen.pid, signal.SIGINT)])
        popen.wait(10)
        shutil.rmtree(folder)


def test_root_without_any_way_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Trouble, match="不肯以 root 身份运行"):
        postgres.identity(postgres.Binaries(tmp_path, 16))
