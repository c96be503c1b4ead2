//! `spikeline top`: live routes on the terminal, from the store or from files; plain rows where there is no terminal.
//!
//! `screen` has the state and its drawing. Here is what it cannot know: the terminal, the store, the clock, another process for `why`.

mod asked_why;
mod live_reading;
mod live_source;
mod terminal_screen;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use asked_why::AskedWhy;
use live_reading::{LiveQuestion, read_lines};
use live_source::LiveSource;
use terminal_screen::{TerminalScreen, TerminalWord};

use crate::cli::answer::output::{say, say_all, stdout, style, written};
use crate::cli::answer::window::duration_ms;
use crate::cli::answer::{Answer, completeness};
use crate::cli::args::{AnswerFormat, TopArguments, TopSort};
use crate::cli::input::context::Context;
use crate::error::{Error, Result};
use crate::graphite::asked::{instant_words, window_words};
use crate::report::{LiveRoutes, write};
use crate::screen::{BlockStyle, LiveOrder, OpenText, TopKey, TopLook, TopOrder, TopState, draw_top};
use crate::time::{Clock, NamedZone, SystemClock};

/// The lengths of windows that a key goes through, in seconds.
const SPANS: [u64; 7] = [60, 5 * 60, 15 * 60, 60 * 60, 6 * 60 * 60, 24 * 60 * 60, 7 * 24 * 60 * 60];

/// What is shown is not older than this: how long ago the logs were read.
const TICK: Duration = Duration::from_millis(500);

pub(super) fn top(context: &Context, arguments: &TopArguments) -> Result<Answer> {
    let zone = zone_of(arguments)?;
    let last = positive(&arguments.last, "--last")?;
    let every = positive(&arguments.every, "--every")?;
    let source = LiveSource::open(context, arguments)?;
    let on_screen = !arguments.once && arguments.format.is_none() && std::io::stdout().is_terminal();
    if on_screen && std::io::stdin().is_terminal() {
        return LiveScreen::new(source, arguments, zone, last)?.run(every);
    }
    rows_once(source, arguments, zone, last)
}

fn zone_of(arguments: &TopArguments) -> Result<NamedZone> {
    match &arguments.tz {
        None => Ok(NamedZone::Local),
        Some(name) => NamedZone::parse(name).ok_or_else(|| {
            Error::usage(format!("--tz: `{name}` is no time zone")).remedy("for example `--tz Europe/Berlin`")
        }),
    }
}

fn order_of(sort: TopSort) -> LiveOrder {
    match sort {
        TopSort::Time => LiveOrder::Time,
        TopSort::Rate => LiveOrder::Rate,
        TopSort::P50 => LiveOrder::P50,
        TopSort::P99 => LiveOrder::P99,
        TopSort::Errors => LiveOrder::Errors,
        TopSort::Name => LiveOrder::Name,
    }
}

fn positive(text: &str, option: &str) -> Result<Duration> {
    match duration_ms(text)? {
        0 => Err(Error::usage(format!("{option}: `{text}` is no time at all")).remedy("for example 5min")),
        millis => Ok(Duration::from_millis(millis)),
    }
}

/// What the screen would show, as rows.
fn rows_once(mut source: LiveSource, arguments: &TopArguments, zone: NamedZone, last: Duration) -> Result<Answer> {
    source.follow();
    let view = source.view()?;
    let question = LiveQuestion {
        named: source.named(),
        last,
        routes: &arguments.route,
        order: order_of(arguments.sort),
        now: SystemClock.now(),
    };
    let live = question.read(&view, source.missing())?;
    completeness::say_unknown(&view, &[], &arguments.route);
    match live.window {
        Some(window) => say(&format!("window {}", window_words(window, zone))),
        None => say("nothing was read yet"),
    }
    if let Some(quiet) = live.quiet_since {
        let quiet = instant_words(quiet, zone);
        say(&format!("note: there is no request since {quiet}: this is the window before that"));
    }
    for note in &live.notes {
        say(&format!("note: {note}"));
    }
    say_all(&live.missing);
    let format = arguments.format.unwrap_or(AnswerFormat::Table);
    let mut out = stdout();
    written(write(&live.report(arguments.limit), format.into(), style(), &mut out))?;
    written(out.flush())?;
    completeness::conclude(&view, &live.missing);
    Ok(Answer::from_found(!live.rows.is_empty(), &live.missing))
}

/// The screen while it is shown.
struct LiveScreen<'a> {
    source: LiveSource,
    arguments: &'a TopArguments,
    zone: NamedZone,
    last: Duration,
    state: TopState,
    live: LiveRoutes,
    why: Option<AskedWhy>,
}

impl LiveScreen<'_> {
    fn new<'a>(
        source: LiveSource,
        arguments: &'a TopArguments,
        zone: NamedZone,
        last: Duration,
    ) -> Result<LiveScreen<'a>> {
        let order = order_of(arguments.sort);
        let state = TopState { order, span: span_words(last), ..TopState::default() };
        let live = LiveRoutes::default();
        let mut screen = LiveScreen { source, arguments, zone, last, state, live, why: None };
        // What cannot be read at all is said before there is a screen.
        screen.source.follow();
        screen.live = screen.read()?;
        Ok(screen)
    }

    /// Until a key or a signal ends it.
    fn run(mut self, every: Duration) -> Result<Answer> {
        let mut screen = TerminalScreen::open(self.source.heeded())?;
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let blocks = block_style();
        let mut read = Instant::now();
        loop {
            let look = TopLook { now: SystemClock.now(), zone: self.zone, colours, blocks };
            let (state, live) = (&self.state, &self.live);
            let mut page = 0;
            screen
                .terminal
                .draw(|frame| page = draw_top(frame, state, live, &look))
                .map_err(|error| Error::io("draw", "stdout", &error))?;
            self.state.page = page;
            match screen.listen(TICK.min(every)) {
                TerminalWord::End => return Ok(Answer::Found),
                TerminalWord::Suspend => screen.suspend()?,
                TerminalWord::Key(key) if self.press(key) => return Ok(Answer::Found),
                TerminalWord::BackAnd(key) if self.press(TopKey::Back) || self.press(key) => return Ok(Answer::Found),
                TerminalWord::Key(_) | TerminalWord::BackAnd(_) => {}
                TerminalWord::Resized | TerminalWord::Nothing => {}
            }
            self.hear_why();
            if read.elapsed() >= every {
                self.refresh();
                read = Instant::now();
            }
        }
    }

    /// Does what a key says; whether that is the end.
    fn press(&mut self, key: TopKey) -> bool {
        let order = self.state.order;
        match self.state.press(key, &self.live) {
            Some(TopOrder::Quit) => return true,
            Some(wanted) => self.heed(wanted),
            None => {}
        }
        if self.state.order != order {
            self.state.order.sort(&mut self.live.rows);
        }
        false
    }

    /// What a key asks for.
    fn heed(&mut self, order: TopOrder) {
        match order {
            TopOrder::OpenRoute => self.read_open_route(),
            TopOrder::AskWhy(route) => self.ask_why(route.as_deref()),
            TopOrder::DropWhy => self.why = None,
            TopOrder::Lengthen(is_longer) => {
                self.last = next_span(self.last, is_longer);
                self.state.span = span_words(self.last);
                self.refresh();
            }
            TopOrder::Quit => {}
        }
    }

    fn ask_why(&mut self, route: Option<&str>) {
        let Some(window) = self.live.window else { return };
        let of_list = || self.arguments.route.clone();
        let routes = route.map_or_else(of_list, |route| vec![route.to_owned()]);
        match AskedWhy::ask(&self.source.options(), window, &routes, self.arguments.tz.as_deref()) {
            Ok(asked) => self.why = Some(asked),
            Err(error) => self.show_why(vec![error.to_string()]),
        }
    }

    /// Whether there is an answer by now.
    fn hear_why(&mut self) {
        if let Some(lines) = self.why.as_mut().and_then(AskedWhy::answer) {
            self.why = None;
            self.show_why(lines);
        }
    }

    fn show_why(&mut self, lines: Vec<String>) {
        if let Some(OpenText { lines: shown, is_why: true, .. }) = &mut self.state.text {
            *shown = Some(lines);
        }
    }

    /// Reads everything anew; what cannot be read leaves what was shown, and is said.
    fn refresh(&mut self) {
        self.source.follow();
        match self.read() {
            Ok(live) => {
                self.live = live;
                self.state.trouble = None;
            }
            Err(error) => self.state.trouble = Some(error.to_string().replace('\n', " ")),
        }
        self.read_open_route();
    }

    fn read(&self) -> Result<LiveRoutes> {
        let view = self.source.view()?;
        let (routes, order) = (self.arguments.route.as_slice(), self.state.order);
        let question =
            LiveQuestion { named: self.source.named(), last: self.last, routes, order, now: SystemClock.now() };
        question.read(&view, self.source.missing())
    }

    /// The lines of the route that is open.
    fn read_open_route(&mut self) {
        let (Some(open), Some(window)) = (&mut self.state.route, self.live.window) else { return };
        let read = self.source.view().and_then(|view| read_lines(&view, open, window, self.zone));
        if let Err(error) = read {
            self.state.trouble = Some(error.to_string().replace('\n', " "));
        }
    }
}

/// The next longer, or shorter, of the usual windows.
fn next_span(last: Duration, is_longer: bool) -> Duration {
    let spans = SPANS.map(Duration::from_secs);
    let next = match is_longer {
        true => spans.iter().find(|span| **span > last),
        false => spans.iter().rev().find(|span| **span < last),
    };
    next.copied().unwrap_or(last)
}

/// `5 min`
fn span_words(last: Duration) -> String {
    let seconds = last.as_secs();
    match seconds {
        0 => format!("{} ms", last.as_millis()),
        _ if seconds.is_multiple_of(86_400) => format!("{} d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// Blocks where the terminal's encoding has them.
fn block_style() -> BlockStyle {
    let of = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let encoding = of("LC_ALL").or_else(|| of("LC_CTYPE")).or_else(|| of("LANG")).unwrap_or_default().to_lowercase();
    if encoding.contains("utf-8") || encoding.contains("utf8") { BlockStyle::Blocks } else { BlockStyle::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_and_shrink_by_usual_lengths() {
        let seconds = Duration::from_secs;
        assert_eq!(next_span(seconds(300), true), seconds(900));
        assert_eq!(next_span(seconds(420), false), seconds(300));
        assert_eq!(next_span(seconds(60), false), seconds(60));
        assert_eq!(next_span(seconds(604_800), true), seconds(604_800));
        let words = [1, 90, 300, 7_200, 86_400].map(|length| span_words(seconds(length)));
        assert_eq!(words, ["1 s", "90 s", "5 min", "2 h", "1 d"]);
    }
}
