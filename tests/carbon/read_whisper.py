"""Every point in a carbon's whisper files: `path seconds value`, the value as Python's repr of a double."""

import os
import sys
import time

import whisper

root = sys.argv[1]
for folder, _, files in os.walk(root):
    for name in files:
        if not name.endswith(".wsp"):
            continue
        file = os.path.join(folder, name)
        path = os.path.relpath(file, root)[:-4].replace("/", ".")
        if path.startswith("_tagged."):  # carbon.util.TaggedSeries.encode: two folders of a hash, then the series
            path = path.split(".", 3)[3].replace("_DOT_", ".")
        try:
            (start, _, step), values = whisper.fetch(file, time.time() - int(sys.argv[2]))
        except Exception:  # still being created
            continue
        for i, value in enumerate(values):
            if value is not None:
                print(path, start + i * step, repr(value))
