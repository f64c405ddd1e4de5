# -*- coding: utf-8 -*-  # noqa: UP009
"""Run this folder by its path (`python3 hedong/up`), so that nothing of Django or Celery is imported."""

# This file must be readable by every Python, also by those that are too old for the rest.
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "需要 Python 3.11 或更新的版本，现在用的是 %d.%d（%s）。\n"  # noqa: UP031
        "请换一个 Python 再试，例如：make up PYTHON=python3.11\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(2)

import importlib.util
import os


def _package():
    """Load this folder as a package of its own name, without importing `hedong`, which needs Celery."""
    here = os.path.dirname(os.path.abspath(__file__))
    # The folder itself must not be searched: its modules would hide those of the standard library.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    start = os.path.join(here, "__init__.py")
    spec = importlib.util.spec_from_file_location("hedong_up", start, submodule_search_locations=[here])
    if spec is None or spec.loader is None:
        raise ImportError(start)
    module = importlib.util.module_from_spec(spec)
    sys.modules["hedong_up"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    _package()
    from hedong_up import cli

    sys.exit(cli.main(sys.argv[1:]))
