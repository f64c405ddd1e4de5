"""The web door: gunicorn loads `application` from here."""

import io
import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from common.letters import in_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hedong.settings.demo")

application = in_utf8(get_wsgi_application())
# A door without a rule or a cipher that fails its known answers ends the start here, not at the first visitor.
call_command("check", stdout=io.StringIO())
