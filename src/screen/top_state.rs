//! Which routes are shown in which order, which is chosen, what is open. Keys change it.

use crate::report::{LiveRoutes, LiveRow};
use crate::time::Window;

/// A key, however a terminal sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopKey {
    /// One up.
    Up,
    /// One down.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// Into what is chosen.
    Enter,
    /// Back (Esc).
    Back,
    /// The last letter goes.
    Erase,
    /// A letter.
    Letter(char),
}

/// What a key asks for that has to be read, or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopOrder {
    /// The end.
    Quit,
    /// The latest slow lines of a route.
    OpenRoute,
    /// Why this route, or all of them, is slow.
    AskWhy(Option<String>),
    /// What is asked why for is not wanted any more.
    DropWhy,
    /// A longer window, or a shorter one.
    Lengthen(bool),
}

/// The order of routes: the greatest first, names in their own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LiveOrder {
    /// By the time that their requests took.
    #[default]
    Time,
    /// By requests a second.
    Rate,
    /// By p50.
    P50,
    /// By p99.
    P99,
    /// By 5xx.
    Errors,
    /// By name.
    Name,
}

/// In the order in which a key goes through them.
const ORDERS: [LiveOrder; 6] =
    [LiveOrder::Time, LiveOrder::Rate, LiveOrder::P50, LiveOrder::P99, LiveOrder::Errors, LiveOrder::Name];

impl LiveOrder {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            LiveOrder::Time => "time",
            LiveOrder::Rate => "rate",
            LiveOrder::P50 => "p50",
            LiveOrder::P99 => "p99",
            LiveOrder::Errors => "5xx",
            LiveOrder::Name => "name",
        }
    }

    /// The rows in this order; equal ones by time, then by name.
    pub fn sort(self, rows: &mut [LiveRow]) {
        rows.sort_by_cached_key(|row| {
            let first = match self {
                LiveOrder::Time => row.sum_ms,
                LiveOrder::Rate => row.count,
                LiveOrder::P50 => row.p50_ms.unwrap_or(0),
                LiveOrder::P99 => row.p99_ms.unwrap_or(0),
                LiveOrder::Errors => row.status_5xx,
                LiveOrder::Name => 0,
            };
            let second = if self == LiveOrder::Name { 0 } else { row.sum_ms };
            (std::cmp::Reverse(first), std::cmp::Reverse(second), row.name())
        });
    }

    fn next(self) -> LiveOrder {
        let at = ORDERS.iter().position(|order| *order == self).unwrap_or(0);
        ORDERS.get(at + 1).copied().unwrap_or_default()
    }
}

/// A slow request, as the list of a route has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlowLineShown {
    /// When it ended, on the clock of the zone.
    pub time: String,
    /// How long it took; nothing where the log does not say.
    pub took_ms: Option<u64>,
    /// Its status.
    pub status: Option<u16>,
    /// The raw line, or why there is none.
    pub line: String,
}

/// A route that was gone into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenRoute {
    /// Its name.
    pub route: String,
    /// Its slow requests, the latest first; nothing until they are read.
    pub lines: Option<Vec<SlowLineShown>>,
    /// How many slow requests it has; of many only the latest are listed.
    pub slow: usize,
    /// What could not be read of them.
    pub missing: Vec<String>,
    /// Which is chosen.
    pub chosen: usize,
    /// The chosen one is shown whole.
    pub is_whole: bool,
}

/// A text that was gone into: an explanation, what is missing, the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenText {
    /// What it is.
    pub title: String,
    /// Its lines; nothing until they are there.
    pub lines: Option<Vec<String>>,
    /// The line at the top.
    pub top: usize,
    /// It is worked on by another program.
    pub is_why: bool,
}

/// All that keys change.
#[derive(Debug, Clone, Default)]
pub struct TopState {
    /// The order of the routes.
    pub order: LiveOrder,
    /// Only names with this in them.
    pub filter: String,
    /// The filter is being typed.
    pub is_typing: bool,
    /// The chosen route, by name: it stays chosen where others pass it.
    pub chosen: Option<String>,
    /// The route that is open.
    pub route: Option<OpenRoute>,
    /// The text that is open, over all else.
    pub text: Option<OpenText>,
    /// What the window is called: `5 min`.
    pub span: String,
    /// What went wrong at the last reading.
    pub trouble: Option<String>,
    /// How many rows of a list were seen last: a page.
    pub page: usize,
}

impl TopState {
    /// The routes that are shown, in their order.
    pub fn rows<'l>(&self, live: &'l LiveRoutes) -> Vec<&'l LiveRow> {
        let wanted = self.filter.to_lowercase();
        live.rows
            .iter()
            .filter(|row| {
                wanted.is_empty() || row.name().to_lowercase().contains(&wanted) || row.route.contains(&wanted)
            })
            .collect()
    }

    /// The place of the chosen route among those shown; the first where it is not among them.
    pub fn chosen_at(&self, rows: &[&LiveRow]) -> usize {
        let chosen = self.chosen.as_deref();
        rows.iter().position(|row| Some(row.route.as_str()) == chosen).unwrap_or(0)
    }

    /// What a key changes, and what it asks for.
    pub fn press(&mut self, key: TopKey, live: &LiveRoutes) -> Option<TopOrder> {
        if self.is_typing {
            self.type_filter(key);
            return None;
        }
        match key {
            TopKey::Letter('q') => return Some(TopOrder::Quit),
            TopKey::Letter('?' | 'h') if self.text.is_none() => {
                self.text = Some(help());
                return None;
            }
            TopKey::Letter('m') if self.text.is_none() => {
                self.text = Some(missing_text(live));
                return None;
            }
            _ => {}
        }
        if self.text.is_some() {
            return self.press_in_text(key);
        }
        if self.route.is_some() {
            return self.press_in_route(key);
        }
        self.press_in_list(key, live)
    }

    fn type_filter(&mut self, key: TopKey) {
        match key {
            TopKey::Letter(letter) => self.filter.push(letter),
            TopKey::Erase => drop(self.filter.pop()),
            TopKey::Enter => self.is_typing = false,
            TopKey::Back => {
                self.is_typing = false;
                self.filter.clear();
            }
            _ => {}
        }
    }

    fn press_in_list(&mut self, key: TopKey, live: &LiveRoutes) -> Option<TopOrder> {
        match key {
            TopKey::Letter('s') => self.order = self.order.next(),
            TopKey::Letter('/') => self.is_typing = true,
            TopKey::Letter('+') => return Some(TopOrder::Lengthen(true)),
            TopKey::Letter('-') => return Some(TopOrder::Lengthen(false)),
            TopKey::Letter('w') => {
                self.text = Some(why_text("all routes"));
                return Some(TopOrder::AskWhy(None));
            }
            TopKey::Back => self.filter.clear(),
            TopKey::Enter => {
                let rows = self.rows(live);
                let route = rows.get(self.chosen_at(&rows))?.route.clone();
                self.chosen = Some(route.clone());
                self.route = Some(OpenRoute { route, ..OpenRoute::default() });
                return Some(TopOrder::OpenRoute);
            }
            key => {
                let rows = self.rows(live);
                let at = moved(self.chosen_at(&rows), key, self.page, rows.len());
                self.chosen = rows.get(at).map(|row| row.route.clone());
            }
        }
        None
    }

    fn press_in_route(&mut self, key: TopKey) -> Option<TopOrder> {
        let open = self.route.as_mut()?;
        match key {
            TopKey::Back if open.is_whole => open.is_whole = false,
            TopKey::Back => self.route = None,
            TopKey::Enter => {
                open.is_whole = !open.is_whole && open.lines.as_ref().is_some_and(|lines| !lines.is_empty())
            }
            TopKey::Letter('w') => {
                let route = open.route.clone();
                self.text = Some(why_text(&crate::route::readable_name(&route)));
                return Some(TopOrder::AskWhy(Some(route)));
            }
            TopKey::Letter('+') => return Some(TopOrder::Lengthen(true)),
            TopKey::Letter('-') => return Some(TopOrder::Lengthen(false)),
            key => {
                let lines = open.lines.as_ref().map_or(0, Vec::len);
                open.chosen = moved(open.chosen, key, self.page, lines);
            }
        }
        None
    }

    fn press_in_text(&mut self, key: TopKey) -> Option<TopOrder> {
        let open = self.text.as_mut()?;
        if key == TopKey::Back || key == TopKey::Enter {
            let was_why = open.is_why;
            self.text = None;
            return was_why.then_some(TopOrder::DropWhy);
        }
        let lines = open.lines.as_ref().map_or(0, Vec::len);
        open.top = moved(open.top, key, self.page, lines);
        None
    }
}

/// Where a key leads among so many.
fn moved(at: usize, key: TopKey, page: usize, all: usize) -> usize {
    let last = all.saturating_sub(1);
    let page = page.max(2) - 1;
    let to = match key {
        TopKey::Up | TopKey::Letter('k') => at.saturating_sub(1),
        TopKey::Down | TopKey::Letter('j') => at.saturating_add(1),
        TopKey::PageUp => at.saturating_sub(page),
        TopKey::PageDown | TopKey::Letter(' ') => at.saturating_add(page),
        TopKey::Home | TopKey::Letter('g') => 0,
        TopKey::End | TopKey::Letter('G') => last,
        _ => at,
    };
    to.min(last)
}

fn why_text(of: &str) -> OpenText {
    OpenText { title: format!("why: {of}"), is_why: true, ..OpenText::default() }
}

fn missing_text(live: &LiveRoutes) -> OpenText {
    let mut lines = live.missing.clone();
    if lines.is_empty() {
        lines.push("nothing is missing of this window".to_owned());
    }
    if !live.notes.is_empty() {
        lines.extend([String::new(), "worth knowing:".to_owned()]);
        lines.extend(live.notes.iter().cloned());
    }
    OpenText { title: "what is missing".to_owned(), lines: Some(lines), ..OpenText::default() }
}

fn help() -> OpenText {
    let keys = [
        "Up Down PgUp PgDn Home End   choose (also j k g G and the space bar)",
        "Enter   into a route: its course, its latest slow lines; on a line: the whole of it",
        "Esc     back",
        "w       why is it slow: the window beside what was before",
        "s       the order of routes: time, rate, p50, p99, 5xx, name",
        "/       only routes with this in their name",
        "+ -     a longer window, a shorter one",
        "m       what is missing of the window",
        "q       the end",
    ];
    OpenText { title: "keys".to_owned(), lines: Some(keys.map(str::to_owned).to_vec()), ..OpenText::default() }
}

/// The window in words, for who opens a text of it.
pub(super) fn span_title(state: &TopState, window: Option<Window>) -> String {
    match window {
        None => "nothing yet".to_owned(),
        Some(_) => format!("last {}", state.span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(names: &[&str]) -> LiveRoutes {
        let rows = names.iter().map(|name| LiveRow { route: (*name).to_owned(), ..LiveRow::default() }).collect();
        LiveRoutes { rows, ..LiveRoutes::default() }
    }

    fn press(state: &mut TopState, live: &LiveRoutes, keys: &[TopKey]) -> Option<TopOrder> {
        keys.iter().filter_map(|key| state.press(*key, live)).last()
    }

    #[test]
    fn what_is_chosen_stays_chosen_where_others_pass_it() {
        let (mut state, before) = (TopState::default(), live(&["a", "b", "c"]));
        press(&mut state, &before, &[TopKey::Down]);
        assert_eq!(state.chosen.as_deref(), Some("b"));
        let after = live(&["c", "a", "b"]);
        assert_eq!(state.chosen_at(&state.rows(&after)), 2);
        assert_eq!(state.chosen_at(&state.rows(&live(&["c"]))), 0);
        press(&mut state, &after, &[TopKey::PageDown, TopKey::Down, TopKey::Home, TopKey::End]);
        assert_eq!(state.chosen.as_deref(), Some("b"));
    }

    #[test]
    fn a_way_in_leads_out_again() {
        let (mut state, live) = (TopState::default(), live(&["a", "b"]));
        let opened = press(&mut state, &live, &[TopKey::Down, TopKey::Enter]);
        assert_eq!(opened, Some(TopOrder::OpenRoute));
        assert_eq!(press(&mut state, &live, &[TopKey::Letter('w')]), Some(TopOrder::AskWhy(Some("b".to_owned()))));
        assert!(state.text.as_ref().unwrap().is_why);
        assert_eq!(press(&mut state, &live, &[TopKey::Back]), Some(TopOrder::DropWhy));
        assert!(state.text.is_none() && state.route.is_some());
        assert_eq!(press(&mut state, &live, &[TopKey::Back, TopKey::Letter('q')]), Some(TopOrder::Quit));
        assert!(state.route.is_none());
    }

    #[test]
    fn letters_of_a_filter_are_no_keys() {
        let (mut state, live) = (TopState::default(), live(&["quick", "Slow"]));
        let asked = press(&mut state, &live, &[TopKey::Letter('/'), TopKey::Letter('q'), TopKey::Letter('w')]);
        assert_eq!((asked, state.filter.as_str(), state.rows(&live).len()), (None, "qw", 0));
        // Of nothing there is nothing to go into.
        assert_eq!(press(&mut state, &live, &[TopKey::Enter, TopKey::Enter, TopKey::Down]), None);
        assert!(state.route.is_none());
        press(&mut state, &live, &[TopKey::Back]);
        assert_eq!(state.rows(&live).len(), 2);
    }

    #[test]
    fn orders_come_round() {
        let (mut state, live) = (TopState::default(), live(&[]));
        for _ in ORDERS {
            press(&mut state, &live, &[TopKey::Letter('s')]);
        }
        assert_eq!(state.order, LiveOrder::Time);
        let mut rows = vec![
            LiveRow { route: "a".to_owned(), p99_ms: Some(1), sum_ms: 9, ..LiveRow::default() },
            LiveRow { route: "b".to_owned(), p99_ms: Some(5), ..LiveRow::default() },
        ];
        LiveOrder::P99.sort(&mut rows);
        assert_eq!(rows[0].route, "b");
        LiveOrder::Name.sort(&mut rows);
        assert_eq!(rows[0].route, "a");
    }
}
