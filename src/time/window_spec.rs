//! The window of time that a command's options ask for: `--from`, `--until`, `--since`, `--at`, `--window`.

use std::fmt;
use std::time::Duration;

use chrono::TimeZone;

use super::{ReadTime, SpelledDuration, Timestamp, Window, parse_duration, read_time};

/// How long `--at` looks when there is no `--window`.
const DEFAULT_WINDOW: Duration = Duration::from_secs(60);

/// A day, about: where clocks are put forward or back it is an hour shorter or longer.
const DAY: Duration = Duration::from_secs(86_400);

/// Two times of day that are further apart over midnight are rather swapped.
const NIGHT_MS: i64 = 12 * 3_600_000;

/// The options as the user gave them. `since` excludes `from`, `until` and `at`; `window` goes with any but `until`
/// and `since` (with `from` it is the length from there).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowSpec {
    /// `--from`: the first moment inside.
    pub from: Option<String>,
    /// `--until`: the first moment after; the present if only `from` is given.
    pub until: Option<String>,
    /// `--since`: from there until now; also a plain duration (`10min`), meaning so long ago.
    pub since: Option<String>,
    /// `--at`: the start of a window of length `window`.
    pub at: Option<String>,
    /// `--window`: a duration; one minute by default.
    pub window: Option<String>,
}

/// A window, and what the user should know about how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedWindow {
    /// The window.
    pub window: Window,
    /// Warnings, for standard error.
    pub warnings: Vec<String>,
}

/// Why the options name no window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowError {
    /// What is wrong, beginning with the option.
    pub what: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for WindowError {}

impl WindowSpec {
    /// Whether no option was given.
    pub fn is_empty(&self) -> bool {
        *self == WindowSpec::default()
    }

    /// The window asked for, seen at `now` in `zone`; `default` if nothing was asked for.
    ///
    /// # Errors
    /// An option that cannot be read, options that exclude each other, and an empty or reversed window. (Graphite
    /// swaps `from` and `until` silently; that hides a mistake.)
    pub fn resolve(&self, now: Timestamp, zone: &impl TimeZone, default: Window) -> Result<Window, WindowError> {
        Ok(self.resolve_with_warnings(now, zone, default)?.window)
    }

    /// Like [`WindowSpec::resolve`], with the warnings.
    ///
    /// # Errors
    /// The same.
    pub fn resolve_with_warnings(
        &self,
        now: Timestamp,
        zone: &impl TimeZone,
        default: Window,
    ) -> Result<ResolvedWindow, WindowError> {
        self.check_exclusions()?;
        let mut times = OptionReader { now, zone, warnings: Vec::new() };
        let length = self.window.as_deref().map(window_length).transpose()?;
        let window = if let Some(at) = &self.at {
            let from = times.read("--at", at)?;
            Window { from, until: from.plus(length.unwrap_or(DEFAULT_WINDOW)) }
        } else if let Some(since) = &self.since {
            let from = match parse_duration(since) {
                Ok(ago) => now.minus(ago),
                Err(_) => times.read("--since", since)?,
            };
            Window { from, until: now }
        } else {
            let from = times.read_if_given("--from", self.from.as_deref())?;
            let until = times.read_if_given("--until", self.until.as_deref())?;
            let (from, until) = self.over_midnight(from, until, &mut times)?;
            match (from, until, length) {
                (Some(from), None, Some(length)) => Window { from, until: from.plus(length) },
                (None, Some(until), Some(length)) => Window { from: until.minus(length), until },
                (None, None, Some(length)) => Window { from: now.minus(length), until: now },
                (Some(from), None, None) => Window { from, until: now },
                (from, until, _) => {
                    Window { from: from.unwrap_or(default.from), until: until.unwrap_or(default.until) }
                }
            }
        };
        self.check_order(window, now)?;
        Ok(ResolvedWindow { window, warnings: times.warnings })
    }

    /// `--from 23:50 --until 00:10`, two times of day of which the second is the earlier, is a window over midnight: the one that
    /// has begun last.
    fn over_midnight(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        times: &mut OptionReader<'_, impl TimeZone>,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), WindowError> {
        let (Some(begins), Some(ends), Some(from_text), Some(until_text)) = (from, until, &self.from, &self.until)
        else {
            return Ok((from, until));
        };
        if begins <= ends || !is_time_of_day(from_text) || !is_time_of_day(until_text) {
            return Ok((from, until));
        }
        let night = ends.plus(DAY).millis() - begins.millis();
        if night > NIGHT_MS {
            return Ok((from, until));
        }
        if begins <= times.now {
            let ends = times.read("--until", &format!("{}_tomorrow", until_text.trim()))?;
            return Ok((from, Some(ends)));
        }
        let begins = times.read("--from", &format!("{}_yesterday", from_text.trim()))?;
        Ok((Some(begins), until))
    }

    /// Each option narrows the window by one side or by its length, so more than two sides and lengths contradict.
    fn check_exclusions(&self) -> Result<(), WindowError> {
        const EXCLUDED: [(&str, &str); 6] = [
            ("--at", "--from"),
            ("--at", "--until"),
            ("--at", "--since"),
            ("--since", "--from"),
            ("--since", "--until"),
            ("--since", "--window"),
        ];
        for (one, other) in EXCLUDED {
            if self.is_given(one) && self.is_given(other) {
                return Err(exclude_each_other(one, other));
            }
        }
        if self.from.is_some() && self.until.is_some() && self.window.is_some() {
            return Err(exclude_each_other("--window", "--from and --until"));
        }
        Ok(())
    }

    fn is_given(&self, option: &str) -> bool {
        match option {
            "--from" => self.from.is_some(),
            "--until" => self.until.is_some(),
            "--since" => self.since.is_some(),
            "--at" => self.at.is_some(),
            "--window" => self.window.is_some(),
            _ => false,
        }
    }

    /// That the window is not empty; else which option made it so, and the likely reason.
    fn check_order(&self, window: Window, now: Timestamp) -> Result<(), WindowError> {
        if window.from < window.until {
            return Ok(());
        }
        let Window { from, until } = window;
        let (first, remedy) = if let Some(at) = &self.at {
            (format!("--at {at}"), "give --window a length, e.g. --window 2min")
        } else if self.since.is_some() {
            ("--since".to_owned(), "--since takes a time that has passed, e.g. --since -10min")
        } else if self.until.is_none() && from >= now {
            ("--from".to_owned(), "--from lies in the future: give the day, e.g. `14:05_yesterday`")
        } else if from == until {
            ("--from".to_owned(), "a window is [from, until): make --until later, or use --at 14:05 --window 2min")
        } else {
            ("--from".to_owned(), "swap --from and --until (Graphite would do so silently)")
        };
        Err(WindowError {
            what: format!("{first}: the window is empty: it begins at {from} and ends at {until}"),
            remedy: Some(remedy.to_owned()),
        })
    }
}

/// Whether a text names a time and no day: `23:50`, `23:50:10`, `11:50pm`.
fn is_time_of_day(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.strip_suffix("am").or_else(|| text.strip_suffix("pm")).unwrap_or(&text);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.contains(':')
        && digits.chars().all(|letter| letter.is_ascii_digit() || letter == ':')
}

/// The two options are named as the user wrote them, so that either can be taken out.
fn exclude_each_other(one: &str, other: &str) -> WindowError {
    WindowError {
        what: format!("{one} and {other} exclude each other"),
        remedy: Some(format!("leave out {one} or {other}")),
    }
}

/// Reads the times of options, and gathers what is doubtful about them.
struct OptionReader<'z, Z> {
    now: Timestamp,
    zone: &'z Z,
    /// For standard error, each beginning with its option.
    warnings: Vec<String>,
}

impl<Z: TimeZone> OptionReader<'_, Z> {
    /// The time of an option; a mistake names the option before the text, since both may be long.
    fn read(&mut self, option: &str, text: &str) -> Result<Timestamp, WindowError> {
        match read_time(text, self.now, self.zone) {
            Ok(ReadTime { time, warning }) => {
                self.warnings.extend(warning.map(|warning| format!("{option} {warning}")));
                Ok(time)
            }
            Err(error) => Err(WindowError {
                what: format!("{option}: `{text}`: expected {} at byte {}", error.expected, error.offset),
                remedy: error.hint,
            }),
        }
    }

    fn read_if_given(&mut self, option: &str, text: Option<&str>) -> Result<Option<Timestamp>, WindowError> {
        match text {
            Some(text) => Ok(Some(self.read(option, text)?)),
            None => Ok(None),
        }
    }
}

/// `--window`: any length but none at all, which would make every window empty.
fn window_length(text: &str) -> Result<Duration, WindowError> {
    match parse_duration(text) {
        Ok(length) if !length.is_zero() => Ok(length),
        Ok(length) => Err(WindowError {
            what: format!("--window: {} is no length", SpelledDuration(length)),
            remedy: Some("for example --window 2min".to_owned()),
        }),
        Err(error) => Err(WindowError {
            what: format!("--window: `{text}`: expected {} at byte {}", error.expected, error.offset),
            remedy: error.hint.or(Some("for example --window 2min".to_owned())),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    /// Sunday, 2026-11-22 14:05:30 UTC.
    const NOW: Timestamp = Timestamp(1_795_356_330_000);
    const DEFAULT: Window = Window { from: Timestamp(1_795_352_730_000), until: NOW };

    /// `--from a --until b` as a specification.
    fn spec(options: &str) -> WindowSpec {
        let mut spec = WindowSpec::default();
        let mut words = options.split(' ').filter(|word| !word.is_empty());
        while let (Some(option), Some(value)) = (words.next(), words.next()) {
            let field = match option {
                "--from" => &mut spec.from,
                "--until" => &mut spec.until,
                "--since" => &mut spec.since,
                "--at" => &mut spec.at,
                "--window" => &mut spec.window,
                other => panic!("{other}"),
            };
            *field = Some(value.to_owned());
        }
        spec
    }

    #[test]
    fn windows() {
        let cases = [
            ("", "[2026-11-22T13:05:30.000Z, 2026-11-22T14:05:30.000Z)"),
            ("--from 14:00 --until 14:02", "[2026-11-22T14:00:00.000Z, 2026-11-22T14:02:00.000Z)"),
            ("--from -10min", "[2026-11-22T13:55:30.000Z, 2026-11-22T14:05:30.000Z)"),
            ("--until -10min", "[2026-11-22T13:05:30.000Z, 2026-11-22T13:55:30.000Z)"),
            ("--since -10min", "[2026-11-22T13:55:30.000Z, 2026-11-22T14:05:30.000Z)"),
            ("--since 10m", "[2026-11-22T13:55:30.000Z, 2026-11-22T14:05:30.000Z)"),
            ("--since yesterday", "[2026-11-21T00:00:00.000Z, 2026-11-22T14:05:30.000Z)"),
            ("--since 1795356000", "[2026-11-22T14:00:00.000Z, 2026-11-22T14:05:30.000Z)"),
            ("--at 14:05_20111130 --window 2min", "[2011-11-30T14:05:00.000Z, 2011-11-30T14:07:00.000Z)"),
            ("--at 14:00", "[2026-11-22T14:00:00.000Z, 2026-11-22T14:01:00.000Z)"),
            ("--from 14:00 --window 90s", "[2026-11-22T14:00:00.000Z, 2026-11-22T14:01:30.000Z)"),
            ("--from 23:50 --until 00:10", "[2026-11-21T23:50:00.000Z, 2026-11-22T00:10:00.000Z)"),
            ("--from 11:50pm --until 12:10am", "[2026-11-21T23:50:00.000Z, 2026-11-22T00:10:00.000Z)"),
            ("--from 14:02 --until 01:00", "[2026-11-22T14:02:00.000Z, 2026-11-23T01:00:00.000Z)"),
            ("--until 14:00 --window 90s", "[2026-11-22T13:58:30.000Z, 2026-11-22T14:00:00.000Z)"),
            ("--window 1h30min", "[2026-11-22T12:35:30.000Z, 2026-11-22T14:05:30.000Z)"),
        ];
        for (options, window) in cases {
            let resolved =
                spec(options).resolve(NOW, &Utc, DEFAULT).unwrap_or_else(|error| panic!("{options}: {error}"));
            assert_eq!(resolved.to_string(), window, "{options}");
        }
    }

    #[test]
    fn mistakes_name_the_option_and_the_remedy() {
        let cases = [
            (
                "--from 14:02 --until 14:00",
                "--from: the window is empty: it begins at 2026-11-22T14:02:00.000Z and ends at 2026-11-22T14:00:00.000Z",
                "swap --from and --until (Graphite would do so silently)",
            ),
            (
                "--from 14:00 --until 14:00",
                "--from: the window is empty: it begins at 2026-11-22T14:00:00.000Z and ends at 2026-11-22T14:00:00.000Z",
                "a window is [from, until): make --until later, or use --at 14:05 --window 2min",
            ),
            (
                "--from 15:00",
                "--from: the window is empty: it begins at 2026-11-22T15:00:00.000Z and ends at 2026-11-22T14:05:30.000Z",
                "--from lies in the future: give the day, e.g. `14:05_yesterday`",
            ),
            (
                "--since tomorrow",
                "--since: the window is empty: it begins at 2026-11-23T00:00:00.000Z and ends at 2026-11-22T14:05:30.000Z",
                "--since takes a time that has passed, e.g. --since -10min",
            ),
            (
                "--from -10m",
                "--from: `-10m`: expected a unit (s, min, h, d, w, mon or y) at byte 3",
                "did you mean `-10min`? (months are `mon`)",
            ),
            ("--window 0s", "--window: 0s is no length", "for example --window 2min"),
            (
                "--window 2",
                "--window: `2`: expected a unit (ms, s, min, h, d or w) at byte 1",
                "did you mean `2s` or `2ms`?",
            ),
            ("--at 14:05 --from 14:00", "--at and --from exclude each other", "leave out --at or --from"),
            ("--since 1h --until 14:00", "--since and --until exclude each other", "leave out --since or --until"),
            (
                "--from 1 --until 2 --window 3s",
                "--window and --from and --until exclude each other",
                "leave out --window or --from and --until",
            ),
        ];
        for (options, what, remedy) in cases {
            let error = spec(options).resolve(NOW, &Utc, DEFAULT).expect_err(options);
            assert_eq!((error.what.as_str(), error.remedy.as_deref()), (what, Some(remedy)), "{options}");
        }
    }

    #[test]
    fn warnings_name_the_option() {
        let spec =
            WindowSpec { from: Some("12am".to_owned()), until: Some("12pm".to_owned()), ..WindowSpec::default() };
        let resolved = spec.resolve_with_warnings(NOW, &Utc, DEFAULT).unwrap();
        assert_eq!(resolved.window.to_string(), "[2026-11-22T00:00:00.000Z, 2026-11-22T12:00:00.000Z)");
        let expected = [
            "--from `12am`: read as 00:00; Graphite reads 12am as noon",
            "--until `12pm`: read as noon; Graphite reads 12pm as 00:00",
        ];
        assert_eq!(resolved.warnings, expected);
    }
}
