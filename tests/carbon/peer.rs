//! A real carbon-cache on this machine, in a folder of its own, and what it has on disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use spikeline::carbon::Points;

/// Where Debian's graphite-carbon has it.
const CARBON: &str = "/usr/bin/carbon-cache";

/// The Python that Debian's python3-whisper is installed for, whatever else comes first in PATH.
const PYTHON: &str = "/usr/bin/python3";

/// How long anything may take on a busy machine; nothing is asserted about speed.
const PATIENCE: Duration = Duration::from_secs(60);

/// By path and second.
pub(crate) type Stored = BTreeMap<(String, u32), f64>;

pub(crate) struct Carbon {
    folder: tempfile::TempDir,
    child: Option<Child>,
    pub(crate) lines: u16,
    pub(crate) pickles: u16,
}

/// A started carbon, or `None` with a word about why the test is skipped.
pub(crate) fn carbon() -> Option<Carbon> {
    carbon_with("10s:1h")
}

/// The same with other archives.
pub(crate) fn carbon_with(retentions: &str) -> Option<Carbon> {
    let whisper = Command::new(PYTHON).args(["-c", "import whisper"]).stderr(Stdio::null()).status();
    if !Path::new(CARBON).exists() || !whisper.is_ok_and(|status| status.success()) {
        let required = std::env::var_os("SPIKELINE_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(
            !required,
            "SPIKELINE_REQUIRE_PEERS=1, but carbon is missing: apt install graphite-carbon python3-whisper"
        );
        eprintln!("skipped: needs carbon-cache: apt install graphite-carbon python3-whisper");
        return None;
    }
    let [lines, pickles, query] = free_ports();
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), lines, pickles, query);
    let schemas = format!("[all]\npattern = .*\nretentions = {retentions}\n");
    std::fs::write(folder.path().join("storage-schemas.conf"), schemas).unwrap();
    let mut carbon = Carbon { folder, child: None, lines, pickles };
    carbon.start();
    Some(carbon)
}

impl Carbon {
    /// Start it (again), on the same ports and folder, and wait until it listens.
    pub(crate) fn start(&mut self) {
        let folder = self.folder.path();
        let log = std::fs::File::create(folder.join("console.log")).unwrap();
        let child = Command::new(CARBON)
            .arg(format!("--config={}", folder.join("carbon.conf").display()))
            .args(["--nodaemon", &format!("--pidfile={}", folder.join("carbon.pid").display()), "start"])
            .env("GRAPHITE_ROOT", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let began = Instant::now();
        while [self.lines, self.pickles].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            let log = || std::fs::read_to_string(folder.join("console.log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "carbon does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As a power cut would: nothing in its memory is flushed.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.folder.path().join("carbon.pid"));
    }

    /// Wait until the whisper files hold exactly `expected`.
    pub(crate) fn must_hold(&self, expected: &Stored) {
        let began = Instant::now();
        loop {
            let stored = self.stored();
            if stored == *expected {
                return;
            }
            if began.elapsed() > PATIENCE {
                let missing: Vec<_> = expected.iter().filter(|(key, value)| stored.get(key) != Some(value)).collect();
                let extra: Vec<_> = stored.iter().filter(|(key, _)| !expected.contains_key(key)).collect();
                panic!(
                    "{} of {} points missing or wrong, {} too many: {:?} {:?}",
                    missing.len(),
                    expected.len(),
                    extra.len(),
                    missing.iter().take(5).collect::<Vec<_>>(),
                    extra.iter().take(5).collect::<Vec<_>>()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What is on disk now, of the last hour.
    pub(crate) fn stored(&self) -> Stored {
        self.stored_since(3600)
    }

    /// What is on disk now, of so many seconds: in the finest archive that reaches back so far.
    pub(crate) fn stored_since(&self, seconds: u32) -> Stored {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/carbon/read_whisper.py");
        let output = Command::new(PYTHON)
            .arg(script)
            .arg(self.folder.path().join("whisper"))
            .arg(seconds.to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| {
                let [path, at, value] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
                ((path.to_owned(), at.parse().unwrap()), value.parse().unwrap())
            })
            .collect()
    }
}

impl Drop for Carbon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What carbon has to hold after `points`; a later value of the same second wins.
pub(crate) fn expect(points: &Points, into: &mut Stored) {
    for point in points.iter() {
        into.insert((point.path.to_owned(), point.at), point.value);
    }
}

/// Ports that are free for TCP and UDP, below those that Linux gives to clients (32768 and up): a port that is closed for
/// a while in a test is not taken by another one meanwhile.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = std::process::id() * 64 % 10_000;
    [(); N].map(|()| {
        loop {
            let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
            let port = u16::try_from(20_000 + (base + turn) % 12_000).unwrap();
            if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    })
}

fn configure(folder: &Path, lines: u16, pickles: u16, query: u16) {
    let at = folder.display();
    let mut conf = "[cache]\nUSER =\nDATABASE = whisper\n".to_owned();
    for (key, value) in [
        ("STORAGE_DIR", format!("{at}")),
        ("LOCAL_DATA_DIR", format!("{at}/whisper")),
        ("WHITELISTS_DIR", format!("{at}/lists")),
        ("CONF_DIR", format!("{at}")),
        ("LOG_DIR", format!("{at}/log")),
        ("PID_DIR", format!("{at}")),
        ("MAX_CACHE_SIZE", "inf".to_owned()),
        ("MAX_UPDATES_PER_SECOND", "inf".to_owned()),
        ("MAX_CREATES_PER_MINUTE", "inf".to_owned()),
        ("LINE_RECEIVER_INTERFACE", "127.0.0.1".to_owned()),
        ("LINE_RECEIVER_PORT", lines.to_string()),
        ("ENABLE_UDP_LISTENER", "True".to_owned()),
        ("UDP_RECEIVER_INTERFACE", "127.0.0.1".to_owned()),
        ("UDP_RECEIVER_PORT", lines.to_string()),
        ("PICKLE_RECEIVER_INTERFACE", "127.0.0.1".to_owned()),
        ("PICKLE_RECEIVER_PORT", pickles.to_string()),
        ("CACHE_QUERY_INTERFACE", "127.0.0.1".to_owned()),
        ("CACHE_QUERY_PORT", query.to_string()),
        ("CARBON_METRIC_INTERVAL", "0".to_owned()),
        ("ENABLE_TAGS", "False".to_owned()),
        ("TAG_HASH_FILENAMES", "False".to_owned()),
    ] {
        writeln!(conf, "{key} = {value}").unwrap();
    }
    std::fs::create_dir_all(folder.join("log")).unwrap();
    std::fs::write(folder.join("carbon.conf"), conf).unwrap();
    let aggregation = "[all]\npattern = .*\nxFilesFactor = 0\naggregationMethod = last\n";
    std::fs::write(folder.join("storage-aggregation.conf"), aggregation).unwrap();
}
