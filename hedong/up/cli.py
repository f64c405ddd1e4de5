"""The commands behind `make`: up, test, check, lock, venv."""

import os

from . import environment, instance, tools, words
from .layout import Layout
from .words import Trouble


def main(arguments: list[str]) -> int:
    """Run one command and return how it ended; troubles are told in words, not in tracebacks."""
    command, *rest = arguments or ["up"]
    commands = {"up": up, **tools.COMMANDS}
    if command not in commands:
        words.wrong(f"没有“{command}”这个命令。可以用的有：{'、'.join(commands)}")
        return 2
    try:
        return commands[command](Layout.from_environment(), rest)
    except Trouble as trouble:
        words.wrong(str(trouble))
        return 1
    except KeyboardInterrupt:
        words.plain("\n已停止。")
        return 130


def up(layout: Layout, rest: list[str]) -> int:
    """Run the whole stack until somebody presses Ctrl-C."""
    first = not instance.handed_over()
    lock = _take(layout)
    if first:
        _first_looks(layout)
        environment.ensure(layout)
        instance.hand_over(lock)
        os.chdir(layout.root)
        os.execv(layout.python, [str(layout.python), os.path.dirname(os.path.abspath(__file__)), "up", *rest])  # noqa: S606
    from . import running

    return running.run(layout, lock)


def _take(layout: Layout) -> int:
    """Make the folders of the data directory and lock it for this run."""
    try:
        layout.make()
        return instance.lock(layout)
    except OSError as error:
        raise Trouble(
            f"不能在 {layout.var} 里写数据：{error.strerror}。\n  请换一个目录：HEDONG_VAR=目录 make up"
        ) from error


def _first_looks(layout: Layout) -> None:
    """Look at what would stop us later, before anything slow begins."""
    instance.refuse_busy_port("127.0.0.1", instance.port_from_environment())
    warning = instance.free_space_warning(layout.var)
    if warning:
        words.plain(warning)
