"""What every scenario shares: its arguments, a work folder, findings, and an end that stops what was started."""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

import subject


class Scenario:
    """One run: `with Scenario(doc, ...) as lab:`, then `lab.expect(..)`; the exit code is 0 only if all expectations held."""

    def __init__(self, doc, **options):
        """`options` are NAME=(full, quick): numbers that the command line may change."""
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="the short version, for scripts/test")
        parser.add_argument("--keep", action="store_true", help="keep the work folder although all went well")
        for name, (full, quick) in options.items():
            parser.add_argument("--" + name.replace("_", "-"), type=type(full), help=f"default {full}, quick {quick}")
        self.args = parser.parse_args()
        for name, (full, quick) in options.items():
            if getattr(self.args, name) is None:
                setattr(self.args, name, quick if self.args.quick else full)
        self.name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        self.passed, self.failed, self.started = 0, [], []

    def __enter__(self):
        subject.binary()  # nothing begins without something to try
        self.begin = time.monotonic()
        self.work = tempfile.mkdtemp(prefix=f"spikeline-lab-{self.name}-")
        os.chmod(self.work, 0o755)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.note(f"in {self.work}")
        return self

    def __exit__(self, kind, error, trace):
        for thing in reversed(self.started):
            try:
                thing.stop()
            except Exception as trouble:  # the others must be stopped all the same
                self.failed.append(f"stopping {type(thing).__name__}: {trouble!r}")
        seconds = time.monotonic() - self.begin
        if kind is None and not self.failed:
            self.note(f"passed: {self.passed} checks in {seconds:.0f} s")
            if not self.args.keep:
                shutil.rmtree(self.work, ignore_errors=True)
            return False
        self.note(f"FAILED after {seconds:.0f} s, {len(self.failed)} findings, kept in {self.work}")
        return kind is None and sys.exit(1)

    def run(self, thing):
        """Keep something that has a `stop()` until the end."""
        self.started.append(thing)
        return thing

    def note(self, text):
        """Say something."""
        print(f"{self.name}: {text}", flush=True)

    def expect(self, what, held, detail=""):
        """Record whether something held; says so only if it did not."""
        if held:
            self.passed += 1
        else:
            self.failed.append(what)
            self.note(f"NOT SO: {what}{': ' if detail else ''}{str(detail)[:3000]}")
        return held

    def skip(self, what, why):
        """Say that something could not be tried."""
        self.note(f"skipped: {what}: {why}")
