"""usage: PYTHON graphite_web.py FOLDER PORT   graphite-web on 127.0.0.1, with its own database for events in FOLDER. PYTHON is that of a venv
with graphite-web 1.1.10."""
import inspect
import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

inspect.getargspec = inspect.getfullargspec  # Python 3.11 dropped what graphite-web asks for
folder, port = os.path.abspath(sys.argv[1]), int(sys.argv[2])
for name in ("conf", "storage/whisper", "storage/log/webapp"):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
os.environ.update(GRAPHITE_STORAGE_DIR=f"{folder}/storage", GRAPHITE_CONF_DIR=f"{folder}/conf", DJANGO_SETTINGS_MODULE="lab_settings")
with open(os.path.join(folder, "lab_settings.py"), "w") as file:
    file.write(f"""from graphite.settings import *
SECRET_KEY = "only on loopback"
ALLOWED_HOSTS = ["*"]
TIME_ZONE = "UTC"
LOG_DIR = "{folder}/storage/log/webapp"
WHISPER_DIR = "{folder}/storage/whisper"
STANDARD_DIRS = [WHISPER_DIR]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{folder}/graphite.db", "OPTIONS": {{"timeout": 20}}}}}}
""")
sys.path.insert(0, folder)

import django  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *_):
        """Nothing."""


make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet).serve_forever()
