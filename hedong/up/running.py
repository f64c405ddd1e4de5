"""One run of the stack: up, look after it, down."""

import threading

from . import words
from .layout import Layout
from .stack import Stack, open_stack
from .words import Trouble

NAMES = {
    "system_admin": "系统管理员",
    "security_admin": "安全管理员",
    "auditor": "审计员",
    "district_official": "区级干部",
    "street_worker": "街道干部",
    "community_worker": "社区工作者",
    "grid_worker": "网格员",
    "building_leader": "楼长",
    "department_liaison": "部门联络员",
    "partner_staff": "合伙人单位人员",
}


def run(layout: Layout, lock: int) -> int:
    """Bring everything up, keep it running, and take it down in order."""
    stack = open_stack(layout, lock)
    code = 0
    try:
        _bring_up(stack)
        _welcome(stack.write_stack_file())
        threading.Thread(target=_follow_history, args=(stack,), daemon=True).start()
        stack.supervisor.look_after(stack.write_stack_file)
    except KeyboardInterrupt:
        words.plain()
    except Trouble as trouble:
        words.wrong(str(trouble))
        code = 1
    finally:
        words.step("正在按顺序停止……")
        stack.supervisor.stop()
        layout.stack_file.unlink(missing_ok=True)
        words.step("已全部停止。数据保存在 " + str(layout.var))
    return code


def _bring_up(stack: Stack) -> None:
    stack.start_servers()
    stack.prepare()
    stack.start_processes()


def _welcome(content: dict) -> None:
    base = content["base_url"]
    words.step("可以使用了。")
    words.plain(f"\n  首页        {base}/")
    if content["building_code"]:
        words.plain(f"  楼栋扫码页  {base}/b/{content['building_code']}/")
    if content["liaison_link"]:
        words.plain(f"  联络员答复  {content['liaison_link']}")
    if content["accounts"]:
        words.plain(f"\n  演示账号（登录 {base}/login/ ；密码在第一次启动时随机生成）：")
    for role, account in content["accounts"].items():
        words.plain(f"    {NAMES.get(role, role)}：{account['username']}  {account['password']}")
    words.plain("\n  按 Ctrl-C 停止。\n")


def _follow_history(stack: Stack) -> None:
    """Tell how far the worker is with the past of the demo district, until it has told all of it."""
    told = (0, 0)
    while not stack.supervisor.stopping.is_set():
        done, chapters = _history_progress(stack.env["DATABASE_URL"])
        if (done, chapters) != told and chapters:
            words.step(
                f"演示地区的历史数据：已写入 {done}/{chapters} 章" + ("，全部完成。" if done == chapters else "……")
            )
        told = (done, chapters)
        if done == chapters:
            return
        stack.supervisor.stopping.wait(3)


def _history_progress(database_url: str) -> tuple[int, int]:
    import psycopg2

    try:
        connection = psycopg2.connect(database_url, connect_timeout=3)
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FILTER (WHERE state = 'done'), count(*) FROM audit_job WHERE kind = 'demo.history'"
                )
                return cursor.fetchone()
        finally:
            connection.close()
    except psycopg2.Error:
        return 0, 1
