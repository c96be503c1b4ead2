"""The page in a real browser (tests/browser): load, choose, drag, read lines, click a value, follow a link, Back, deep link, keys; what a log
says must not run, and a foreign Host is refused. Needs Debian's chromium and python3-websocket."""
import importlib.util
import os
import shutil
import subprocess

import peers
import subject
from scenario import Scenario

WALK = os.path.join(peers.HERE, "..", "browser", "page.py")


def main():
    """The scenario."""
    with Scenario(__doc__) as lab:
        if not shutil.which("chromium"):
            return lab.skip("all of it", "there is no chromium (Debian: apt install chromium)")
        if not importlib.util.find_spec("websocket"):
            return lab.skip("all of it", "there is no python3-websocket")
        walked = subprocess.run([peers.PYTHON, WALK, subject.binary()], capture_output=True, timeout=900, check=False)
        said = walked.stdout.decode("utf-8", "replace")
        for line in said.splitlines():
            if line.startswith(("ok ", "WRONG ")):
                lab.expect(line.split(None, 1)[1], line.startswith("ok "))
        lab.expect("the walk came to its end", walked.returncode == 0 and "page: " in said, walked.stderr.decode("utf-8", "replace")[-2500:])


if __name__ == "__main__":
    main()
