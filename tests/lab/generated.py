"""The generated logs: built on demand by the generator beside this file, kept for the next run, with the exact answer."""
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.join(os.environ.get("TMPDIR", tempfile.gettempdir()), "spikeline-bench")

# The generator's format: nginx's `combined`, then the times.
LOG_FORMAT = ('$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
              '$request_time $upstream_response_time $pipe "$upstream_addr"')


def log(size, seed=42):
    """(log, CSV of its truth) of about `size` bytes; the same size and seed give the same bytes."""
    os.makedirs(HOME, exist_ok=True)
    base = os.path.join(HOME, f"{size}-{seed}")
    if not os.path.exists(base + ".csv"):
        target = os.path.join(HOME, "target")
        subprocess.run(["cargo", "build", "--release", "--quiet", "--manifest-path", os.path.join(HERE, "generator", "Cargo.toml"),
                        "--target-dir", target], check=True)
        subprocess.run([os.path.join(target, "release", "nginxloggen"), "--bytes", str(size), "--seed", str(seed),
                        "--timed", base + ".log", "--truth", base + ".tmp"], check=True)
        os.rename(base + ".tmp", base + ".csv")
    return base + ".log", base + ".csv"


def route_name(template):
    """The route's name in spikeline: segments joined by dots, what Graphite cannot take as _HH; `/` and what is no request by name."""
    if template in ("/", "(malformed)"):
        return {"/": "__root", "(malformed)": "__malformed"}[template]
    segments = [segment for segment in template.split("/") if segment]
    return ".".join("".join(c if c.isascii() and (c.isalnum() or c == "-") else "".join(f"_{b:02X}" for b in c.encode())
                            for c in segment) for segment in segments)
