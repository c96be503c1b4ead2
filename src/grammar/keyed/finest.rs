//! Which of several times of a line is the finest: `timestamp` in milliseconds beside `local_time` in seconds.
//!
//! nginx takes all its times of a request from one clock, so that the finer one falls into the second of the other on every line. What a
//! shipper adds (`@timestamp` is mostly when it read the line) does not, and is not taken for the request's end.

use super::usual_keys::{ROLES, Role};
use super::{Keyed, KeyedValues};
use crate::time::{Timestamp, read_time};

/// A shipper's time may fall into the right second by chance: not on so many lines.
const LINES_OF_SHIPPER: usize = 20;

/// A time as far as it is compared.
struct ReadClock {
    seconds: i64,
    /// Whether it says more than the second.
    fine: bool,
}

/// The variable that holds a finer time than the best-known one of these lines, if any does.
pub(super) fn finest_time(keyed: &Keyed, lines: &[&[u8]]) -> Option<String> {
    let players = keyed.roles.get(Role::End as usize)?;
    if players.len() < 2 {
        return None;
    }
    let mut spans = vec![(0, 0); keyed.slots()];
    let (mut state, mut copy) = (KeyedValues::default(), Vec::new());
    // How many lines have both times, for each player but the best.
    let mut agreeing = vec![Some(0_usize); players.len()];
    for line in lines {
        let Ok(copied) = keyed.cut(line, &mut state, &mut spans, &mut copy) else { continue };
        let text = if copied { copy.as_slice() } else { line };
        let clocks: Vec<Option<ReadClock>> = players
            .iter()
            .map(|player| spans.get(*player).and_then(|span| text.get(span.0 as usize..span.1 as usize)))
            .map(|value| value.and_then(read_clock))
            .collect();
        let Some(best) = clocks.iter().flatten().next() else { continue };
        if best.fine {
            return None;
        }
        for (clock, agreeing) in clocks.iter().zip(&mut agreeing) {
            match clock {
                Some(clock) if clock.fine => {
                    *agreeing = agreeing.filter(|_| clock.seconds == best.seconds).map(|lines| lines + 1);
                }
                _ => {}
            }
        }
    }
    let finer =
        players.iter().zip(agreeing).filter_map(|(player, lines)| Some((keyed.variables.get(*player)?, lines?)));
    let of_shipper = |name: &str| ROLES.first().and_then(|names| names.last()).is_some_and(|last| *last == name);
    finer
        .filter(|(variable, lines)| *lines >= if of_shipper(&variable.name) { LINES_OF_SHIPPER } else { 1 })
        .map(|(variable, _)| variable.name.clone())
        .next()
}

/// A time whose zone is certain.
fn read_clock(value: &[u8]) -> Option<ReadClock> {
    let text = std::str::from_utf8(value).ok()?.trim_matches(['[', ']']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let epoch = |places: u32| {
        let whole = text.get(..digits)?.parse::<i64>().ok()?;
        let fine = places > 0 || text.get(digits..).is_some_and(|rest| rest.starts_with('.'));
        Some(ReadClock { seconds: whole / 10_i64.pow(places), fine })
    };
    match digits {
        9..=10 => epoch(0),
        12..=13 => epoch(3),
        15..=16 => epoch(6),
        18..=19 => epoch(9),
        2 | 4 => {
            let zoned = text.ends_with(['Z', 'z']) || text.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
            let now = Timestamp(0);
            let time = zoned.then(|| read_time(text, now, &chrono::Utc).ok()).flatten()?.time;
            let fine = text.get(19..).is_some_and(|rest| rest.starts_with(['.', ',']));
            Some(ReadClock { seconds: time.millis().div_euclid(1000), fine })
        }
        _ => None,
    }
}
