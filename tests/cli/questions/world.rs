//! A store of random configuration, and all requests that were ever written to its logs.

use spikeline::store::{StoreSettings, Writer};
use support::log::{EXACT, NOON, Request};
use support::program::Folder;

use crate::index::ask;

/// A small generator: the same questions for the same seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// What names routes and says when they are slow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) threshold_ms: u64,
    /// `ws` by its status, with a threshold of its own.
    ws_ms: Option<u64>,
    /// `quick` by its path.
    quick_ms: Option<u64>,
    /// `sec.{section}`: a threshold for many routes.
    section_ms: Option<u64>,
    /// What asks for `/search/all` is monitoring.
    probed: bool,
}

impl Rules {
    fn random(dice: &mut Dice) -> Rules {
        let mut some = |of: &[u64]| (!dice.one_in(3)).then(|| dice.pick(of));
        let (ws_ms, quick_ms, section_ms) = (some(&[36_000_000, 700]), some(&[40, 200]), some(&[90, 1500]));
        let threshold_ms = dice.pick(&[60, 300, 1000, 1900]);
        Rules { threshold_ms, ws_ms, quick_ms, section_ms, probed: dice.one_in(3) }
    }

    fn sections(&self) -> String {
        let mut text = String::new();
        let mut rule = |name: &str, condition: &str, threshold: Option<u64>| {
            if let Some(threshold) = threshold {
                text += &format!("[[route]]\nname = \"{name}\"\n{condition}\nthreshold = \"{threshold}ms\"\n");
            }
        };
        rule("ws", "status = 101", self.ws_ms);
        rule("quick", "path = \"/quick\"", self.quick_ms);
        rule("sec.{section}", "path = \"/s/{section}\"", self.section_ms);
        if self.probed {
            text += "[[probe]]\npath = \"/search/all\"\n";
        }
        text
    }

    /// The route of a request, and when it is slow.
    pub(super) fn route(&self, request: &Request) -> (String, u64) {
        let path = request.target.as_str();
        if self.probed && path == "/search/all" {
            return ("probe.monitoring".to_owned(), self.threshold_ms);
        }
        if let (101, Some(threshold)) = (request.status, self.ws_ms) {
            return ("ws".to_owned(), threshold);
        }
        if let ("/quick", Some(threshold)) = (path, self.quick_ms) {
            return ("quick".to_owned(), threshold);
        }
        if let (Some(section), Some(threshold)) = (path.strip_prefix("/s/"), self.section_ms) {
            return (format!("sec.{section}"), threshold);
        }
        let name = match path {
            "/" => "__root".to_owned(),
            path if path.starts_with("/users/") => "users.__id".to_owned(),
            path => path.trim_start_matches('/').replace('/', "."),
        };
        // What is switched to another protocol is no request of that path.
        let name = match (request.status, name.as_str()) {
            (101, "__root") => "__101".to_owned(),
            (101, name) => format!("{name}.__101"),
            _ => name,
        };
        (name, self.threshold_ms)
    }
}

/// A store, its folder, and the truth.
pub(super) struct World {
    pub(super) folder: Folder,
    /// In the order in which they were written, each with its line.
    pub(super) requests: Vec<(Request, String)>,
    /// Those of now.
    pub(super) rules: Rules,
    /// All lines were counted by these.
    pub(super) by_one_rule: bool,
    pub(super) interval_ms: i64,
    pub(super) slowest: usize,
    pub(super) server_errors: bool,
    /// All lines of each log are of one format, so that each can be read as a file.
    pub(super) by_one_format: bool,
    /// Some log is gone.
    pub(super) has_gone: bool,
    /// Some log has so many lines that are no requests that its format may be another: more than two, and more than one in twenty.
    pub(super) has_many_foreign: bool,
    pub(super) story: String,
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let mut world = World {
            folder: support::folder!(),
            requests: Vec::new(),
            rules: Rules::random(&mut dice),
            by_one_rule: true,
            interval_ms: dice.pick(&[5_000, 10_000, 30_000, 60_000]),
            slowest: dice.pick(&[0, 1, 5]),
            server_errors: !dice.one_in(3),
            by_one_format: true,
            has_gone: false,
            has_many_foreign: false,
            story: format!("seed {seed}"),
        };
        let (mut end, mut is_extended, mut content) = (NOON + 1, false, String::new());
        let (mut are_many, mut were_many) = (false, false);
        let phases = 1 + dice.below(4);
        for phase in 0..phases {
            if phase > 0 {
                if dice.one_in(2) {
                    world.rotate(phase, &mut dice);
                    content.clear();
                    were_many |= are_many;
                }
                if dice.one_in(3) {
                    is_extended = !is_extended;
                    world.by_one_format = false;
                    world.story += ", another format";
                }
                if dice.one_in(4) {
                    let rules = Rules::random(&mut dice);
                    world.by_one_rule &= rules == world.rules;
                    world.rules = rules;
                    world.story += ", other rules";
                }
            }
            world.configure(is_extended);
            // nginx has another format before that is told: what is rejected is taken in afterwards.
            let told_late = phase > 0 && dice.one_in(5);
            if told_late {
                is_extended = !is_extended;
                world.by_one_format = false;
                world.story += ", a format told late";
            }
            for _ in 0..20 + dice.below(200) {
                end += i64::try_from(1 + dice.below(700)).unwrap();
                if dice.one_in(60) {
                    content += "no request at all\n";
                }
                let request = world.request(end, &mut dice);
                let line = if is_extended { request.exact() + " x=\"-\"" } else { request.exact() };
                content += &format!("{line}\n");
                world.requests.push((request, line));
            }
            world.folder.write("a.log", &content);
            let foreign = content.lines().filter(|line| *line == "no request at all").count();
            are_many = foreign >= 3 && foreign * 20 > content.lines().count();
            world.has_many_foreign = were_many || are_many;
            let taken = ask(&world.folder, &["index", &world.folder.path("a.log*").display().to_string()]);
            // A file of which nothing fits is not taken in yet.
            assert!(taken.code == 0 || (told_late && taken.code == 3), "{}: {}", world.story, taken.err);
            if told_late {
                if dice.one_in(3) {
                    world.seal();
                }
                world.configure(is_extended);
                for _ in 0..2 {
                    let pattern = world.folder.path("a.log*").display().to_string();
                    let taken = ask(&world.folder, &["index", "--again", &pattern]);
                    assert!(taken.code == 0, "{}: {}", world.story, taken.err);
                }
            }
            if dice.one_in(3) {
                world.seal();
            }
        }
        if dice.one_in(5) {
            world.remove_one();
        }
        world
    }

    fn configure(&self, is_extended: bool) {
        let path = |name: &str| self.folder.path(name).display().to_string();
        let format = if is_extended { format!("{EXACT} x=\"$http_x\"") } else { EXACT.to_owned() };
        let text = format!(
            "store = '{}'\ninterval = \"{}s\"\n[[log]]\npath = '{}'\nformat = '{format}'\n[slow]\nthreshold = \"{}ms\"\nslowest = {}\nserver_errors = {}\n{}",
            path("store"),
            self.interval_ms / 1000,
            path("a.log"),
            self.rules.threshold_ms,
            self.slowest,
            self.server_errors,
            self.rules.sections(),
        );
        self.folder.write("c.toml", text);
    }

    fn request(&self, end: i64, dice: &mut Dice) -> Request {
        let target = match dice.below(6) {
            0 => "/".to_owned(),
            1 => "/quick".to_owned(),
            2 => format!("/s/{}", dice.pick(&["a", "b", "c"])),
            3 => format!("/users/{}", dice.below(1000)),
            _ => "/search/all".to_owned(),
        };
        let time = match dice.below(4) {
            0 => dice.below(2000),
            1 => 1000,
            2 => dice.below(300),
            _ => dice.below(60),
        };
        // A late one now and then.
        let end = if dice.one_in(20) { end - 3_000 - i64::try_from(dice.below(400)).unwrap() } else { end };
        let status = dice.pick(&[101, 200, 200, 200, 204, 301, 404, 404, 499, 500, 502]);
        Request { bytes: dice.below(5000), ..Request::new(end, time, &target).status(status) }
    }

    fn rotate(&mut self, phase: u64, dice: &mut Dice) {
        let log = self.folder.path("a.log");
        match dice.below(3) {
            0 => {
                self.folder.gz(&format!("a.log.{phase}.gz"), std::fs::read(&log).unwrap());
                std::fs::remove_file(&log).unwrap();
            }
            1 => {
                self.folder.zst(&format!("a.log.{phase}.zst"), std::fs::read(&log).unwrap());
                std::fs::remove_file(&log).unwrap();
            }
            _ => std::fs::rename(&log, self.folder.path(&format!("a.log.{phase}"))).unwrap(),
        }
        self.story += ", rotated";
    }

    fn seal(&mut self) {
        let settings = StoreSettings {
            interval: std::time::Duration::from_millis(self.interval_ms.unsigned_abs()),
            slowest: u32::try_from(self.slowest).unwrap(),
            ..StoreSettings::default()
        };
        Writer::open(&self.folder.path("store"), settings).unwrap().seal().unwrap();
        self.story += ", sealed";
    }

    fn remove_one(&mut self) {
        let entries = std::fs::read_dir(self.folder.path("")).unwrap();
        let mut logs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        logs.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("a.log"));
        logs.sort();
        std::fs::remove_file(&logs[0]).unwrap();
        self.has_gone = true;
        self.story += ", one log gone";
    }
}
