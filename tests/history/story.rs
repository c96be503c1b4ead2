//! One history: a writer, a rotation and a person with a shell on one side, the daemon on the other, and chance between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use spikeline::source::{UnreadCause, UnreadSpan};
use spikeline::time::{Timestamp, Window};

use crate::answers::{Question, check};
use crate::dice::Dice;
use crate::disk::{Disk, Node, Packing, Writer};
use crate::document::{ROUTES, Request, What};
use crate::machine::{Hand, Machine, format, router};

/// How the daemon is told of the logs, and how they are rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// By path; logrotate renames or copies.
    Path,
    /// By a glob that also finds other names of the same log.
    Glob,
    /// By a symbolic link that is turned to another file.
    Link,
}

/// How a log that is rotated is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Numbered,
    Date,
    DateEpoch,
}

pub(crate) const LOG: &str = "access.log";

/// The endings that files here may have when they are compressed, or none.
const ENDS: [&str; 5] = ["", ".gz", ".zst", ".xz", ".bz2"];

/// How long nginx may go on in a renamed log whose name was not made anew: less than the grace that it is given.
const PATIENCE: i64 = 40_000;

pub(crate) struct Story {
    dice: Dice,
    clock: Arc<Hand>,
    disk: Disk,
    machine: Machine,
    mode: Mode,
    scheme: Scheme,
    /// What the names of rotated logs begin with: their folder, as logrotate's `olddir`, if they have one of their own.
    old: &'static str,
    /// Every document begins with the same lines, more than what a log is known by.
    head: Option<String>,
    writer: Writer,
    /// The name that nginx opens.
    name: String,
    /// Since when it writes to a file that the log's name does not lead to, or to none.
    astray: Option<i64>,
    lines: usize,
    /// The rest of a line of which the first part was written.
    torn: String,
    /// A compression under way: the file, and how.
    packing: Option<(String, Packing)>,
    /// The documents that were packed while nobody might read them.
    packed_denied: BTreeSet<usize>,
    turns: usize,
    pub(crate) steps: BTreeMap<&'static str, u64>,
    log: Vec<String>,
}

impl Story {
    pub(crate) fn new(seed: u64, folder: &std::path::Path) -> Story {
        let mut dice = Dice::new(seed);
        let era = dice.one_of(&[1_322_661_900_000, 2_000_000_000_000]);
        let clock = Arc::new(Hand::at(era));
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        let mode = dice.one_of(&[Mode::Path, Mode::Path, Mode::Path, Mode::Path, Mode::Glob, Mode::Link]);
        let scheme = dice.one_of(&[Scheme::Numbered, Scheme::Numbered, Scheme::Date, Scheme::DateEpoch]);
        let pattern = if mode == Mode::Glob { "*.log" } else { LOG };
        let old = if seed % 5 == 3 && mode != Mode::Link { "old/" } else { "" };
        std::fs::create_dir_all(logs.join(old)).unwrap();
        let same_head = dice.once_in(6);
        let mut disk = Disk::new(logs);
        let name = if mode == Mode::Link { "aaa.log" } else { LOG };
        let writer = disk.open(name, era);
        if mode == Mode::Link {
            disk.link(name, LOG, true);
        }
        let machine = Machine {
            store: folder.join("store"),
            pattern: disk.path(pattern).display().to_string(),
            elsewhere: Some(disk.path("old/*").display().to_string()).filter(|_| !old.is_empty()),
            clock: Arc::clone(&clock),
            block_limit: if same_head { 512 * 1024 } else { dice.one_of(&[300, 1500, 512 * 1024]) },
            archive: dice.once_in(4),
            router: router(),
            format: format(),
            running: None,
            held: BTreeMap::new(),
            told: Vec::new(),
        };
        let head = same_head.then(|| {
            let request = Request { end: era, millis: 20, route: 0, status: 200, bytes: 7 };
            (0..70).map(|number| request.line(number) + "\n").collect()
        });
        let mut story = Story {
            dice,
            clock,
            disk,
            machine,
            mode,
            scheme,
            old,
            head,
            writer,
            name: name.to_owned(),
            astray: None,
            lines: 1000,
            torn: String::new(),
            packing: None,
            packed_denied: BTreeSet::new(),
            turns: 0,
            steps: BTreeMap::new(),
            log: vec![format!("{mode:?} {scheme:?} same head {same_head} rotated to {old:?}")],
        };
        // The first start is before the first line, so that every line is due.
        story.machine.start();
        story.read();
        story
    }

    /// What happened so far, and what the daemon said.
    pub(crate) fn tell(&self) -> String {
        let told: Vec<String> = self.machine.told.iter().map(|told| format!("        {told}")).collect();
        let names: Vec<String> = self.disk.names.iter().map(|name| format!("{name:?}")).collect();
        let held: Vec<String> = self.machine.held.iter().map(|held| format!("{held:?}")).collect();
        [self.log.join("\n"), told.join("\n"), names.join("\n"), held.join("\n")].join("\n")
    }

    fn note(&mut self, step: &'static str, what: impl Into<String>) {
        *self.steps.entry(step).or_default() += 1;
        let what = what.into();
        let told: Vec<String> = self.machine.told.drain(..).map(|told| format!("        {told}")).collect();
        self.log.extend(told);
        let document = self.disk.inodes[self.writer.inode].document;
        self.log.push(format!("{} [{document}] {step} {what}", self.clock.millis()));
    }

    fn now(&self) -> i64 {
        self.clock.millis()
    }

    pub(crate) fn step(&mut self) {
        let pause = self.dice.one_of(&[1, 5, 40, 300, 2000]);
        self.clock.advance(1 + pause);
        if self.astray.is_some_and(|since| self.now() > since + PATIENCE) {
            self.reopen();
        }
        match self.dice.roll(100) {
            0..=29 => self.write(),
            30..=43 => self.poll(),
            44..=51 => self.poll_a_little(),
            52..=59 => self.rotate(),
            60..=63 => self.reopen(),
            64..=68 => self.compress(),
            69..=71 => self.delete(),
            72 if self.dice.once_in(2) => self.truncate(),
            72 => self.replace(),
            73..=75 => self.copytruncate(),
            76 if self.mode != Mode::Glob => self.away(),
            76 => self.alias(),
            77 if self.dice.once_in(2) => self.reuse(),
            77 => self.deny(),
            78..=80 => self.restart(),
            81..=85 => self.crash(),
            86 => self.stay_down(),
            87..=90 => self.seal(),
            91..=95 => self.ask(),
            96..=98 => self.wait(),
            99 if self.dice.once_in(6) => self.sleep(),
            _ => self.write(),
        }
    }

    fn request(&mut self) -> Request {
        let ago = match self.dice.roll(40) {
            0 => self.dice.roll(300_000),
            1..=4 => self.dice.roll(12_000),
            5 if self.dice.once_in(8) => self.dice.roll(90_000_000),
            _ => self.dice.roll(50),
        };
        let millis = match self.dice.roll(30) {
            0..=3 => 1000 + self.dice.roll(3000),
            4 => self.dice.roll(100_000),
            5 if self.dice.once_in(8) => self.dice.roll(70_000_000),
            _ => self.dice.roll(400),
        };
        let status = self.dice.one_of(&[200, 200, 200, 200, 200, 304, 404, 499, 500, 503, 101]);
        let end = self.now() - i64::try_from(ago).unwrap();
        Request { end, millis, route: self.dice.index(ROUTES.len()), status, bytes: self.dice.roll(5000) }
    }

    fn line(&mut self) -> String {
        self.lines += 1;
        self.request().line(self.lines)
    }

    fn is_fresh(&self) -> bool {
        self.disk.inodes[self.writer.inode].length == 0
    }

    fn put(&mut self, text: &str) {
        let now = self.now();
        self.disk.write(&mut self.writer, text.as_bytes(), now);
    }

    fn write(&mut self) {
        let fresh = self.is_fresh() && self.torn.is_empty();
        let mut text = std::mem::take(&mut self.torn);
        if let Some(head) = self.head.as_ref().filter(|_| fresh) {
            text.push_str(head);
        }
        let head = if fresh { text.len() } else { 0 };
        for _ in 0..=self.dice.roll(6) {
            let line = self.line();
            text.push_str(&line);
            text.push('\n');
        }
        if self.dice.once_in(12) {
            self.lines += 1;
            text.push_str(&format!("kernel: out of memory {}\n", self.lines));
        }
        if self.dice.once_in(60) && head == 0 {
            self.lines += 1;
            let length = if self.dice.once_in(4) { 200_000 } else { 4000 };
            let length = length - 8 + self.dice.index(200);
            // Logs that begin alike are told apart by the 256 bytes before where reading was, be it within a line or at its end.
            let fill = if self.head.is_some() { format!("{:07} ", self.lines) } else { "x".to_owned() };
            let middle: String = fill.chars().cycle().take(length).collect();
            text.push_str(&format!("{0:07} {middle} {0:07}\n", self.lines));
        } else if self.dice.once_in(5) && head == 0 {
            let line = self.line() + "\n";
            let cut = 1 + self.dice.index(line.len() - 1);
            text.push_str(&line[..cut]);
            self.torn = line[cut..].to_owned();
        } else if self.dice.once_in(40) && head == 0 {
            // Its rest never comes: nginx, or its machine, died.
            let line = self.line();
            text.push_str(&line[..14 + self.dice.index(6)]);
        }
        self.put(&text);
        self.note("write", format!("up to {}, torn {}", self.lines, self.torn.len()));
    }

    /// The rest of a torn line, as nginx writes it before it does anything else.
    fn complete(&mut self) {
        let torn = std::mem::take(&mut self.torn);
        if !torn.is_empty() {
            self.put(&torn);
        }
    }

    /// The daemon, started if it is down.
    fn up(&mut self) {
        if self.machine.running.is_none() {
            self.machine.start();
            self.note("start", "");
        }
    }

    fn read(&mut self) {
        for _ in 0..10_000 {
            let caught_up = self.machine.look(&mut self.disk);
            self.machine.commit();
            if caught_up {
                return;
            }
        }
        panic!("never caught up");
    }

    fn poll(&mut self) {
        self.up();
        self.read();
        self.note("poll", "");
    }

    /// Some of what the daemon's threads do: they are behind each other by any number of messages and commits.
    fn poll_a_little(&mut self) {
        self.up();
        let looks = self.dice.roll(3);
        for _ in 0..looks {
            self.machine.look(&mut self.disk);
        }
        let daemon = self.machine.running.as_mut().unwrap();
        let most = self.dice.index(daemon.uncounted() + 1);
        daemon.count(most);
        if self.dice.once_in(2) {
            daemon.hand_on();
        }
        let kept = self.dice.index(3);
        daemon.keep(kept);
        if self.dice.once_in(2) {
            daemon.attend();
        }
        self.note("poll in part", format!("{looks} looks, {most} counted, {kept} kept"));
    }

    fn restart(&mut self) {
        self.machine.stop();
        self.up();
        self.note("restart", "");
    }

    fn crash(&mut self) {
        if self.machine.running.is_some() && self.dice.once_in(2) {
            self.poll_a_little();
        }
        self.machine.crash();
        self.note("crash", "");
        if self.dice.once_in(2) {
            self.up();
        }
    }

    fn stay_down(&mut self) {
        if self.dice.once_in(2) {
            self.machine.stop()
        } else {
            self.machine.crash()
        }
        let steps = 1 + self.dice.roll(10);
        self.note("down", format!("for {steps} steps"));
        for _ in 0..steps {
            self.clock.advance(self.dice.one_of(&[1, 100, 5000, 20_000]));
            if self.astray.is_some_and(|since| self.now() > since + PATIENCE) {
                self.reopen();
            }
            match self.dice.roll(11) {
                10 => self.truncate(),
                0..=3 => self.write(),
                4..=5 => self.rotate(),
                6 => self.reopen(),
                7 => self.compress(),
                8 => self.copytruncate(),
                _ => self.delete(),
            }
        }
        self.up();
    }

    fn seal(&mut self) {
        self.up();
        self.machine.running.as_mut().unwrap().seal().unwrap();
        self.note("seal", "");
    }

    /// More than the grace after a rotation, with looks in between.
    fn wait(&mut self) {
        self.reopen();
        self.up();
        for _ in 0..3 {
            self.clock.advance(self.dice.one_of(&[1500, 21_000, 61_000]));
            self.read();
        }
        self.note("wait", "");
    }

    /// A day on which nothing happens.
    fn sleep(&mut self) {
        self.reopen();
        self.up();
        self.read();
        self.clock.advance(90_000_000);
        self.read();
        self.note("sleep", "");
    }

    fn reopen(&mut self) {
        self.complete();
        let now = self.now();
        self.writer = self.disk.open(&self.name, now);
        self.astray = None;
        self.note("reopen", "");
    }

    fn is_rotated(&self, name: &str) -> bool {
        name != self.name && name != LOG && !name.ends_with(".log")
    }

    /// The name that the log is to have when it is rotated now.
    fn rotated_name(&mut self) -> Option<String> {
        let scheme = if self.dice.once_in(12) {
            self.dice.one_of(&[Scheme::Numbered, Scheme::Date, Scheme::DateEpoch])
        } else {
            self.scheme
        };
        let name = match scheme {
            Scheme::Numbered => {
                self.shift();
                format!("{}{LOG}.1", self.old)
            }
            // A date for each rotation: nobody waits for a day here.
            Scheme::Date => {
                self.turns += 1;
                format!("{}{LOG}-2026{:02}{:02}", self.old, 1 + self.turns / 28, 1 + self.turns % 28)
            }
            Scheme::DateEpoch => {
                self.turns += 1;
                format!("{}{LOG}-20261122-{}", self.old, 1_795_381_364 + self.turns)
            }
        };
        let taken = ENDS.iter().any(|end| self.disk.has(&format!("{name}{end}")));
        (!taken).then_some(name)
    }

    /// Moves `access.log.N` up, up to the first gap.
    fn shift(&mut self) {
        self.finish_packing();
        let old = self.old;
        let name = |number: usize, end: &str| format!("{old}{LOG}.{number}{end}");
        let last = (1..).find(|&number| !ENDS.iter().any(|end| self.disk.has(&name(number, end)))).unwrap();
        for number in (1..last).rev() {
            for end in ENDS {
                if self.disk.has(&name(number, end)) {
                    self.disk.rename(&name(number, end), &name(number + 1, end));
                }
            }
        }
    }

    fn rotate(&mut self) {
        if self.mode == Mode::Link {
            return self.turn();
        }
        let Some(name) = self.disk.has(LOG).then(|| self.rotated_name()).flatten() else { return };
        self.disk.rename(LOG, &name);
        let create = self.dice.roll(3) > 0;
        let now = self.now();
        if create {
            drop(self.disk.open(LOG, now));
        } else {
            self.astray.get_or_insert(now);
        }
        self.note(if create { "rotate" } else { "rotate nocreate" }, name);
        if self.dice.roll(3) > 0 {
            self.reopen();
        }
    }

    /// The link leads to another file, and nginx is told at once.
    fn turn(&mut self) {
        self.turns += 1;
        let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
        let name = format!("{}{}{}.log", letter(self.turns / 26), letter(self.turns), letter(self.turns / 676));
        if ENDS.iter().any(|end| self.disk.has(&format!("{name}{end}"))) {
            return;
        }
        self.complete();
        self.disk.remove(LOG);
        let now = self.now();
        let missing = self.dice.once_in(3);
        if missing && self.machine.running.is_some() {
            self.poll();
        }
        self.writer = self.disk.open(&name, now);
        self.disk.link(&name, LOG, true);
        self.note("turn the link", &name);
        self.name = name;
    }

    fn rotated(&self) -> Vec<String> {
        let plain = |name: &&String| self.disk.inode(name).is_some_and(|inode| inode != self.writer.inode);
        let old = |name: &&String| match self.mode {
            Mode::Link => **name != self.name && *name != LOG,
            _ => self.is_rotated(name),
        };
        // A log with two names is not compressed under one of them.
        let is_it = |node: &Node, inode: usize| *node == Node::Plain(inode);
        let names = |inode| self.disk.names.values().filter(|node| is_it(node, inode)).count();
        let single = |name: &&String| self.disk.inode(name).is_some_and(|inode| names(inode) == 1);
        self.disk.names.keys().filter(old).filter(plain).filter(single).cloned().collect()
    }

    fn compress(&mut self) {
        if self.packing.is_some() {
            return self.finish_packing();
        }
        let names = self.rotated();
        if names.is_empty() {
            return;
        }
        let name = self.dice.one_of(&names);
        let packing = self.dice.one_of(&[Packing::Gz, Packing::GzMembers, Packing::Zst, Packing::Xz, Packing::Bz2]);
        let of = &self.disk.inodes[self.disk.inode(&name).unwrap()];
        self.packed_denied.extend(of.denied.then_some(of.document));
        if self.dice.once_in(4) {
            self.disk.pack(&name, packing, false);
            self.note("begin to compress", format!("{name} {packing:?}"));
            self.packing = Some((name, packing));
        } else {
            self.disk.pack(&name, packing, true);
            self.disk.remove(&name);
            self.note("compress", format!("{name} {packing:?}"));
        }
    }

    fn finish_packing(&mut self) {
        let Some((name, packing)) = self.packing.take() else { return };
        self.disk.pack(&name, packing, true);
        self.disk.remove(&name);
        self.note("end compressing", name);
    }

    fn delete(&mut self) {
        self.finish_packing();
        let mut names = self.rotated();
        names.extend(
            self.disk.names.iter().filter(|(_, node)| matches!(node, Node::Packed { .. })).map(|(n, _)| n.clone()),
        );
        if names.is_empty() {
            return;
        }
        let name = self.dice.one_of(&names);
        self.disk.remove(&name);
        self.note("delete", name);
    }

    /// All may be read from now on, since what comes needs that: what was denied may be gone before anyone looks.
    fn open_up(&mut self) {
        if self.disk.any_denied() {
            self.disk.allow_all();
            self.note("allow", "what comes needs it");
        }
    }

    /// The log may not be read any more, or a new one from its beginning; or all may be.
    fn deny(&mut self) {
        if self.mode == Mode::Link
            || !self.disk.has(LOG)
            || self.disk.names.values().any(|node| matches!(node, Node::Link(_)))
        {
            return;
        }
        if self.dice.once_in(3) {
            self.disk.allow_all();
            return self.note("allow", "");
        }
        if self.dice.once_in(2) {
            self.rotate();
            self.reopen();
        }
        self.disk.allow(LOG, false);
        self.note("deny", "");
    }

    fn truncate(&mut self) {
        self.open_up();
        if !self.disk.has(&self.name) {
            return;
        }
        self.complete();
        let now = self.now();
        self.disk.truncate(&self.name.clone(), now);
        self.note("truncate", "");
    }

    /// A longer copy of the log takes its place, and is written on; it may be rotated in its turn before it is seen.
    fn replace(&mut self) {
        self.open_up();
        let node = Node::Plain(self.writer.inode);
        if self.machine.running.is_none() {
            return;
        }
        let is_alone = self.disk.names.values().filter(|other| **other == node).count() == 1;
        if self.disk.names.get(&self.name) != Some(&node) || !is_alone || self.is_fresh() {
            return;
        }
        self.complete();
        let text: String = (0..self.dice.roll(4)).map(|_| self.line() + "\n").collect();
        let now = self.now();
        self.writer = self.disk.replace(&self.name.clone(), text.as_bytes(), now);
        self.note("replace by a copy", format!("{} bytes more", text.len()));
        if self.dice.once_in(2) {
            self.poll();
        }
    }

    fn copytruncate(&mut self) {
        self.open_up();
        if self.mode == Mode::Link || !self.disk.has(LOG) {
            return;
        }
        let Some(copy) = self.rotated_name() else { return };
        self.complete();
        let now = self.now();
        self.disk.copy(LOG, &copy, now);
        self.clock.advance(1);
        let (between, looked) = (self.dice.once_in(4), self.dice.once_in(4));
        if between {
            self.write();
            self.complete();
        }
        if looked && self.machine.running.is_some() {
            self.poll();
        }
        self.clock.advance(1);
        let now = self.now();
        self.disk.truncate(LOG, now);
        self.note("copytruncate", format!("{copy}, written between: {between}"));
        if between && looked && self.machine.running.is_some() {
            // Only the daemon that read more than the copy holds can tell that it is one.
            self.reopen();
            for _ in 0..3 {
                self.clock.advance(61_000);
                self.read();
            }
        }
        if self.dice.once_in(3) {
            let packing = self.dice.one_of(&[Packing::Gz, Packing::Zst]);
            self.disk.pack(&copy, packing, true);
            self.disk.remove(&copy);
            self.note("compress the copy", copy);
        }
    }

    /// The folder of the logs is away for a while; nginx, which has its log open, writes on.
    fn away(&mut self) {
        self.open_up();
        self.finish_packing();
        if self.astray.is_some() {
            return;
        }
        self.disk.set_away(true);
        self.note("away", "");
        for _ in 0..=self.dice.roll(8) {
            self.clock.advance(self.dice.one_of(&[1, 300, 5000, 61_000]));
            match self.dice.roll(8) {
                0..=2 => self.write(),
                3..=4 => self.poll(),
                5 => self.restart(),
                6 => self.crash(),
                _ => self.ask(),
            }
        }
        self.disk.set_away(false);
        self.note("back", "");
    }

    /// Another name for the log, or no more.
    fn alias(&mut self) {
        self.open_up();
        if self.mode != Mode::Glob {
            return;
        }
        const ALIAS: &str = "zzz.log";
        if self.disk.has(ALIAS) {
            // A log that is known by its second name alone would not be found again without it.
            if matches!(self.disk.names[ALIAS], Node::Plain(_)) {
                return;
            }
            self.disk.remove(ALIAS);
            self.note("remove the alias", "");
        } else if self.disk.has(LOG) {
            let symbolic = self.dice.once_in(2);
            self.disk.link(LOG, ALIAS, symbolic);
            self.note("alias", if symbolic { "symbolic" } else { "hard" });
        }
    }

    /// The new log has the inode of a rotated one, which is gone: as a file system does that gives an inode out again.
    fn reuse(&mut self) {
        self.open_up();
        let names = self.rotated();
        if names.is_empty() || self.mode == Mode::Link || !self.disk.has(LOG) || self.packing.is_some() {
            return;
        }
        let old = self.dice.one_of(&names);
        let now = self.now();
        self.disk.truncate(&old, now);
        self.disk.rename(&old, "spare");
        if let Some(name) = self.rotated_name() {
            self.disk.rename(LOG, &name);
            self.disk.rename("spare", LOG);
            self.note("rotate, the inode used again", format!("{old}, {name}"));
            self.reopen();
        } else {
            self.disk.remove("spare");
        }
    }

    fn question(&mut self) -> Question {
        let now = self.now();
        let from = now - i64::try_from(self.dice.roll(400_000)).unwrap();
        let until = from + 1 + i64::try_from(self.dice.roll(300_000)).unwrap();
        let window = Window { from: Timestamp(from), until: Timestamp(until) };
        let window = if self.dice.once_in(3) { Window::ALL } else { window };
        let first = self.dice.index(ROUTES.len());
        let routes = if self.dice.once_in(2) { (0..ROUTES.len()).collect() } else { vec![first] };
        Question { window, routes }
    }

    fn ask(&mut self) {
        let question = self.question();
        self.note("ask", format!("{question:?}"));
        self.answer(&question);
    }

    fn answer(&mut self, question: &Question) {
        let daemon = self.machine.running.as_ref();
        let held = self.machine.held.clone();
        match daemon.filter(|_| self.dice.once_in(2)) {
            Some(daemon) => check(daemon.view(), &self.disk, &self.machine, question),
            None => check(&self.machine.view_at_rest(), &self.disk, &self.machine, question),
        }
        self.machine.held = held;
    }

    /// Asks everything, without a roll of the dice.
    pub(crate) fn ask_all(&self) {
        let question = Question { window: Window::ALL, routes: (0..ROUTES.len()).collect() };
        match &self.machine.running {
            Some(daemon) => check(daemon.view(), &self.disk, &self.machine, &question),
            None => check(&self.machine.view_at_rest(), &self.disk, &self.machine, &question),
        }
    }

    /// Lets everything come to its end; then every line that can be read was read, and all answers hold.
    pub(crate) fn end(&mut self) {
        self.disk.allow_all();
        self.finish_packing();
        self.reopen();
        self.write();
        self.complete();
        self.up();
        for _ in 0..5 {
            self.clock.advance(31_000);
            self.read();
        }
        self.note("end", "");
        self.all_is_read();
        self.nothing_is_missing();
        let question = Question { window: Window::ALL, routes: (0..ROUTES.len()).collect() };
        self.answer(&question);
        self.machine.stop();
        self.answer(&question);
    }

    /// What could not be read was read after all, so nothing is said to be missing; but what was deleted meanwhile.
    fn nothing_is_missing(&self) {
        let view = self.machine.running.as_ref().unwrap().view();
        // A torn file that is gone may have held anything.
        let is_there = |span: &&UnreadSpan| span.cause != UnreadCause::Unfinished || span.path.exists();
        let spans = view.unread_spans().filter(is_there);
        let spans: Vec<_> = spans
            .filter(|span| !self.packed_denied.iter().any(|at| self.is_unread(*at) || self.is_early_in(*at, span)))
            .filter(|_| !(0..self.disk.documents.len()).any(|at| self.may_be_left(at)))
            .filter(|span| !(0..self.disk.documents.len()).any(|at| self.is_lost_in(at, span)))
            .filter(|span| !(0..self.disk.documents.len()).any(|at| self.is_copied_unread(at, span)))
            .collect();
        assert!(spans.is_empty(), "said to be missing, and read: {spans:?}");
    }

    /// How far a document was read.
    fn read_of(&self, document: usize) -> usize {
        let held = self.machine.held.values().filter(|held| held.document == document);
        usize::try_from(held.map(|held| held.position).max().unwrap_or(0)).unwrap()
    }

    /// Whether lines of a document were written within a span that nobody has read, and that are gone.
    fn is_lost_in(&self, document: usize, span: &UnreadSpan) -> bool {
        let gone = self.read_of(document).max(self.disk.available(document));
        self.disk.documents[document].is_written_within(gone, window_of(span))
    }

    /// Whether a document was copied to another file after nobody might read it, and may have been before the next look: only a run that saw
    /// how large the file was can tell that it was cut, and nobody that a copy which took its place is it.
    fn is_copied_unread(&self, document: usize, span: &UnreadSpan) -> bool {
        let document = &self.disk.documents[document];
        document.is_copied_unread && document.is_written_within(0, window_of(span))
    }

    /// Whether nothing of a document was read.
    fn is_unread(&self, document: usize) -> bool {
        self.machine.held.values().all(|held| held.document != document || held.position == 0)
    }

    /// Whether an unread document is left in a packed file alone, and is shorter than what was read of one that was truncated or is gone: it may
    /// be a copy that was made of that one too early, as far as a run knows that did not read it. Or it was written so early in what is missing
    /// that it may have been read before. It is left to `index`, and said to be missing.
    fn may_be_left(&self, document: usize) -> bool {
        let of_document = |node: &&Node| match node {
            Node::Packed { document: held, .. } => *held == document,
            node => matches!(node, Node::Plain(inode) if self.disk.inodes[*inode].document == document),
        };
        let mut held = self.disk.names.values().filter(of_document);
        let is_packed = held.all(|node| matches!(node, Node::Packed { .. })) && self.disk.available(document) > 0;
        let length = self.disk.available(document) as u64;
        let mut cut = self.machine.held.values().filter(|held| held.loss.is_some());
        let mut spans = self.machine.running.as_ref().unwrap().view().unread_spans();
        let is_doubtful = cut.any(|held| held.position > length) || spans.any(|span| self.is_early_in(document, span));
        is_packed && self.is_unread(document) && is_doubtful
    }

    /// Whether some span holds each line of a document that was written when its request ended.
    fn is_said_to_be_missing(&self, document: usize) -> bool {
        let spans: Vec<_> = self.machine.running.as_ref().unwrap().view().unread_spans().collect();
        let document = &self.disk.documents[document];
        let mut lines = document.lines(0, document.whole);
        lines.all(|line| match line.what {
            What::Request(request) if document.written_at(line.offset) <= request.end + 100 => {
                spans.iter().any(|span| span.from.millis() <= request.end && request.end < span.end().millis())
            }
            _ => true,
        })
    }

    /// Whether a document was written last within two seconds of a span's beginning, which is said to be earlier by a second and what
    /// lines may be out of order.
    fn is_early_in(&self, document: usize, span: &UnreadSpan) -> bool {
        let modified = self.disk.inodes[self.disk.documents[document].inode].modified;
        modified.abs_diff(span.from.millis()) <= 4000
    }

    fn all_is_read(&self) {
        for (number, document) in self.disk.documents.iter().enumerate() {
            let is_named = self.machine.held.values().any(|held| held.document == number);
            // What a link led to between two looks, nobody knows of.
            let unseen = !is_named && self.mode == Mode::Link && number != self.disk.inodes[self.writer.inode].document;
            let available = if unseen { 0 } else { self.disk.available(number) };
            let read = self.read_of(number);
            let due = available.min(document.whole);
            // What was packed before anyone could read it, and may have been written before that began, is left to `index`; so is one of
            // several that were packed. It is said to be missing.
            let mut spans = self.machine.running.as_ref().unwrap().view().unread_spans();
            let is_any_denied = spans.any(|span| span.cause == UnreadCause::Denied);
            let is_left = self.packed_denied.contains(&number) && is_any_denied
                || self.may_be_left(number) && self.is_said_to_be_missing(number);
            assert!(read >= due || is_left, "document {number} was read to {read} of {due}");
        }
        let open = self.machine.held.iter().filter(|(_, held)| !held.finished).count();
        assert!(open <= 2, "{open} generations are open");
    }
}

/// The time that a span is about.
fn window_of(span: &UnreadSpan) -> Window {
    Window { from: span.from, until: span.end() }
}
