//! Screens as they are drawn, in every size.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{BlockStyle, OpenRoute, OpenText, SlowLineShown, TopKey, TopLook, TopState, draw_top};
use crate::report::{LiveRoutes, LiveRow};
use crate::time::{NamedZone, Timestamp, Window};

const NOW: Timestamp = Timestamp(1_322_662_020_000);

fn row(route: &str, count: u64, p99_ms: u64, status_5xx: u64) -> LiveRow {
    LiveRow {
        route: route.to_owned(),
        count,
        per_second: count as f64 / 300.0,
        sum_ms: count * p99_ms / 3,
        share: 0.5,
        p50_ms: Some(p99_ms / 8),
        p90_ms: Some(p99_ms / 2),
        p99_ms: Some(p99_ms),
        max_ms: Some(p99_ms * 2),
        slow: count / 100,
        status_5xx,
        course_p99_ms: (0..30).map(|step| (step % 7 != 3).then_some(step * p99_ms / 30)).collect(),
        course_count: (0..30).collect(),
        ..LiveRow::default()
    }
}

fn live() -> LiveRoutes {
    let rows = vec![
        row("webapp.backend.git", 2_930, 3_365, 2),
        row("search", 970, 359, 1),
        row("api.v1.users.__id", 1_760, 32, 0),
    ];
    LiveRoutes {
        window: Some(Window { from: NOW.plus_millis(-300_000), until: NOW.plus_millis(-2_000) }),
        read_until: Some(NOW.plus_millis(-2_000)),
        all: row("all", 5_660, 2_100, 3),
        rows,
        ..LiveRoutes::default()
    }
}

fn screen(state: &TopState, live: &LiveRoutes, width: u16, height: u16) -> Vec<String> {
    let look = TopLook { now: NOW, zone: NamedZone::UTC, colours: true, blocks: BlockStyle::Blocks };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            draw_top(frame, state, live, &look);
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(width.max(1)));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()).collect()
}

fn state() -> TopState {
    TopState { span: "5 min".to_owned(), ..TopState::default() }
}

#[test]
fn the_list_fits_a_terminal_of_80_by_24() {
    let shown = screen(&state(), &live(), 80, 24);
    assert_eq!(shown[0], "spikeline top  last 5 min: 5,660 requests, 18.9/s, p99 2,100 ms, 5xx 3");
    assert_eq!(shown[1], "read until 2011-11-30 14:06:58, 2,000 ms ago");
    assert_eq!(shown[2], "route                    per s       p50       p99    5xx   time p99 by time");
    assert!(shown[3].starts_with("webapp.backend.git         9.8    420 ms  3,365 ms      2  50.0% "), "{}", shown[3]);
    assert!(shown[3].ends_with('█'), "{}", shown[3]);
    assert_eq!(shown[5].split_whitespace().next(), Some("api.v1.users.{id}"));
    assert!(shown[23].starts_with("Enter open  w why  s sort  / filter"), "{}", shown[23]);
    assert!(shown.iter().all(|row| row.chars().count() <= 80));
}

#[test]
fn what_is_missing_and_how_old_it_is_stand_on_top() {
    let mut live = live();
    live.missing = vec!["access.log could not be read".to_owned()];
    assert!(screen(&state(), &live, 80, 24)[1].starts_with("missing: access.log could not be read  read until"));
    live.missing.push("and more".to_owned());
    assert!(screen(&state(), &live, 80, 24)[1].starts_with("2 things are missing (m)"));
    live.quiet_since = Some(NOW.plus_millis(-3_600_000));
    live.missing.clear();
    assert!(
        screen(&state(), &live, 80, 24)[1].starts_with("no request since 2011-11-30 13:07:00: this is before that")
    );
    assert!(screen(&state(), &LiveRoutes::default(), 80, 24)[3].starts_with("no log was read yet"));
}

#[test]
fn a_route_has_its_course_and_its_latest_slow_lines() {
    let mut state = state();
    state.press(TopKey::Enter, &live());
    assert!(screen(&state, &live(), 80, 24).iter().any(|row| row.contains("are being read")));
    let line = SlowLineShown {
        time: "14:05:47.944".to_owned(),
        took_ms: Some(3_470),
        status: Some(200),
        line: "192.0.2.53 - GET".to_owned(),
    };
    state.route.as_mut().unwrap().lines = Some(vec![line.clone(), SlowLineShown { line: "x".repeat(1 << 20), ..line }]);
    let shown = screen(&state, &live(), 80, 24);
    assert!(shown[0].starts_with("webapp.backend.git  last 5 min: 2,930 requests"), "{}", shown[0]);
    assert!(shown.iter().any(|row| row.starts_with("p99, up to 3,252 ms")));
    assert!(shown.contains(&"slow requests, the latest first: 2".to_owned()), "{shown:#?}");
    assert!(shown.contains(&"14:05:47.944  3,470 ms 200  192.0.2.53 - GET".to_owned()), "{shown:#?}");
    state.route.as_mut().unwrap().slow = 1_216;
    let shown = screen(&state, &live(), 80, 24);
    assert!(shown.contains(&"slow requests, the latest 2 of 1,216 first".to_owned()), "{shown:#?}");
    state.press(TopKey::Down, &live());
    state.press(TopKey::Enter, &live());
    let whole = screen(&state, &live(), 80, 24).iter().filter(|row| **row == "x".repeat(80)).count();
    assert!(whole > 5, "{whole} rows");
}

#[test]
fn what_a_terminal_would_obey_is_shown() {
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\r\n\u{0}";
    let mut live = live();
    live.rows[0].route = hostile.to_owned();
    live.missing = vec![hostile.to_owned()];
    let mut state = TopState { chosen: Some(hostile.to_owned()), filter: String::new(), ..state() };
    let mut screens = vec![screen(&state, &live, 200, 50)];
    state.press(TopKey::Enter, &live);
    let line = SlowLineShown { line: hostile.to_owned(), ..SlowLineShown::default() };
    state.route.as_mut().unwrap().lines = Some(vec![line]);
    screens.push(screen(&state, &live, 200, 50));
    state.text =
        Some(OpenText { title: hostile.to_owned(), lines: Some(vec![hostile.to_owned()]), ..OpenText::default() });
    screens.push(screen(&state, &live, 200, 50));
    for row in screens.concat() {
        assert!(!row.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{row:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Whatever is pressed on whatever size of a terminal, something is drawn and nothing panics.
    #[test]
    fn any_keys_on_any_terminal(width in 0u16..210, height in 0u16..60, keys in proptest::collection::vec(0usize..24, 0..30), routes in 0usize..60) {
        let letters = ['q', 'w', 's', '/', '+', '-', 'm', '?', 'j', 'k', 'g', 'G', ' ', 'e'];
        let others = [TopKey::Up, TopKey::Down, TopKey::PageUp, TopKey::PageDown, TopKey::Home, TopKey::End, TopKey::Enter, TopKey::Back, TopKey::Erase, TopKey::Enter];
        let mut live = live();
        live.rows = (0..routes).map(|at| row(&format!("route.\u{4e16}\u{754c}.{at}"), 100, at as u64, 0)).collect();
        let mut state = state();
        for key in keys {
            let key = letters.get(key).map_or_else(|| others[key - letters.len()], |letter| TopKey::Letter(*letter));
            state.press(key, &live);
            if let Some(OpenRoute { lines, .. }) = &mut state.route {
                *lines = Some(vec![SlowLineShown { line: "\u{4e16}\u{754c} ".repeat(90), ..SlowLineShown::default() }; 40]);
            }
            if let Some(OpenText { lines: lines @ None, .. }) = &mut state.text {
                *lines = Some(vec!["\u{4e16}\u{754c} and words ".repeat(30); 70]);
            }
            if width > 0 && height > 0 {
                screen(&state, &live, width, height);
            }
        }
    }
}
