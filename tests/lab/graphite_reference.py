"""graphite-web itself as a reference: `PYTHON graphite_reference.py WHISPER FOLDER`, a list of query strings as JSON on stdin, a list of answers on
stdout: each has the window (`start`, `end`) and either `series` (what /render?format=json gives) or `error`. PYTHON is that of a venv with
graphite-web 1.1.10, Django 3 and whisper.
"""
import json
import os
import sys

whisper, folder = sys.argv[1:3]
os.makedirs(os.path.join(folder, "storage", "log", "webapp"), exist_ok=True)
with open(os.path.join(folder, "lab_settings.py"), "w") as file:
    file.write(f"""
from graphite.settings import *
SECRET_KEY = "loopback-test-only"
ALLOWED_HOSTS = ["*"]
TIME_ZONE = "UTC"
STORAGE_DIR = {folder + '/storage'!r}
LOG_DIR = {folder + '/storage/log/webapp'!r}
INDEX_FILE = {folder + '/storage/index'!r}
WHISPER_DIR = {whisper!r}
STANDARD_DIRS = [{whisper!r}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
CARBONLINK_HOSTS = []
MEMCACHE_HOSTS = []
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}}}
DEFAULT_CACHE_DURATION = 0
FIND_CACHE_DURATION = 0
LOG_FILE_INFO = LOG_FILE_EXCEPTION = LOG_FILE_CACHE = LOG_FILE_RENDERING = "-"
""")
sys.path.insert(0, folder)
os.environ["DJANGO_SETTINGS_MODULE"] = "lab_settings"
out, sys.stdout = sys.stdout, sys.stderr

import django  # noqa: E402

django.setup()
from django.test import RequestFactory  # noqa: E402
from graphite.render import views  # noqa: E402
from graphite.util import epoch  # noqa: E402

answers = []
for query in json.load(sys.stdin):
    request = RequestFactory().get("/render?" + query + "&format=json")
    answer = {}
    try:
        _, options = views.parseOptions(request)
        answer["start"], answer["end"] = int(epoch(options["startTime"])), int(epoch(options["endTime"]))
        reply = views.renderView(request)
        text = reply.content.decode()
        answer["series" if reply.status_code == 200 else "error"] = json.loads(text) if reply.status_code == 200 else text
    except Exception as error:  # what it cannot do is an answer, too
        answer["error"] = f"{type(error).__name__}: {error}"
    answers.append(answer)
json.dump(answers, out)
