#!/usr/bin/env python
"""Run Django's commands for this project."""

import os
import sys


def main() -> None:
    """Hand the command line to Django, with the demo settings unless the environment names others."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hedong.settings.demo")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
