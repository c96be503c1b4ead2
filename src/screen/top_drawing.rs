//! The state of `top` as cells of a terminal, however small that is.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use super::blocks::BlockStyle;
use super::top_columns::{TopColumn, TopLayout};
use super::top_state::{LiveOrder, OpenRoute, OpenText, TopState, span_title};
use crate::report::{LiveRoutes, LiveRow, count, millis, rate_words, terminal_safe};
use crate::time::{NamedZone, Timestamp};

/// Logs that were not read for longer than this are behind.
const BEHIND_MS: i64 = 30_000;

/// What a terminal can show, and what time it is.
#[derive(Debug, Clone, Copy)]
pub struct TopLook {
    /// Now.
    pub now: Timestamp,
    /// The zone of the clocks.
    pub zone: NamedZone,
    /// Whether it has colours.
    pub colours: bool,
    /// How courses are drawn.
    pub blocks: BlockStyle,
}

impl TopLook {
    fn coloured(&self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new().add_modifier(Modifier::BOLD) }
    }

    fn faint(&self) -> Style {
        if self.colours { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }
}

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws it; how many rows a list has, which is a page.
pub fn draw_top(frame: &mut Frame<'_>, state: &TopState, live: &LiveRoutes, look: &TopLook) -> usize {
    let area = frame.area();
    let mut sheet = Sheet { buffer: frame.buffer_mut(), area };
    sheet.draw(state, live, look)
}

/// Rows of cells that are written into from above; what is outside is left out.
struct Sheet<'b> {
    buffer: &'b mut Buffer,
    area: Rect,
}

impl Sheet<'_> {
    fn draw(&mut self, state: &TopState, live: &LiveRoutes, look: &TopLook) -> usize {
        let (width, height) = (self.area.width, self.area.height);
        if width == 0 || height == 0 {
            return 0;
        }
        let has_keys = height >= 6;
        let body_from = if height >= 5 { 2 } else { 1 };
        let body_until = if has_keys { height - 1 } else { height };
        self.head(state, live, look);
        if body_from == 2 {
            self.account(state, live, look);
        }
        if has_keys {
            self.put(0, height - 1, width, keys_words(state, width), look.faint());
        }
        let body = BodyRows { from: body_from, until: body_until };
        match (&state.text, &state.route) {
            (Some(text), _) => self.text(text, body, look),
            (None, Some(route)) => self.route(route, live, body, look),
            (None, None) => self.list(state, live, body, look),
        }
    }

    /// Text in so many cells of a row; it is made harmless here, and nowhere else has to be.
    fn put(&mut self, x: u16, y: u16, room: u16, text: impl AsRef<str>, style: Style) -> u16 {
        let room = room.min(self.area.width.saturating_sub(x));
        if y >= self.area.height || room == 0 {
            return x;
        }
        let text = terminal_safe(text.as_ref().as_bytes());
        let (end, _) = self.buffer.set_stringn(self.area.x + x, self.area.y + y, text, usize::from(room), style);
        end - self.area.x
    }

    /// The same, its end at the end of its cells.
    fn put_right(&mut self, x: u16, y: u16, room: u16, text: &str, style: Style) {
        let length = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        self.put(x + room.saturating_sub(length), y, room, text, style);
    }

    /// What all requests of the window are.
    fn head(&mut self, state: &TopState, live: &LiveRoutes, look: &TopLook) {
        let width = self.area.width;
        let name = match &state.route {
            Some(open) => crate::route::readable_name(&open.route).into_owned(),
            None => "spikeline top".to_owned(),
        };
        let at = self.put(0, 0, width, name, BOLD);
        let row = row_of(state, live);
        let time = |time_ms: Option<u64>| time_ms.map_or("-".to_owned(), millis);
        let words = format!(
            "  {}: {} requests, {}/s, p99 {}, ",
            span_title(state, live.window),
            count(row.count),
            rate_words(row.per_second),
            time(row.p99_ms)
        );
        let at = self.put(at, 0, width, words, Style::new());
        let style = if row.status_5xx > 0 { look.coloured(Color::Red) } else { Style::new() };
        self.put(at, 0, width, format!("5xx {}", count(row.status_5xx)), style);
    }

    /// How far the logs are read, and what is missing: what all other numbers are worth.
    fn account(&mut self, state: &TopState, live: &LiveRoutes, look: &TopLook) {
        let width = self.area.width;
        if let Some(trouble) = &state.trouble {
            self.put(0, 1, width, trouble, look.coloured(Color::Red));
            return;
        }
        let mut at = 0;
        match live.missing.as_slice() {
            [] => {}
            [one] => at = self.put(0, 1, width, format!("missing: {one}  "), look.coloured(Color::Red)),
            all => {
                at =
                    self.put(0, 1, width, format!("{} things are missing (m)  ", all.len()), look.coloured(Color::Red));
            }
        }
        if let Some(quiet) = live.quiet_since {
            let words = format!("no request since {}: this is before that  ", look.zone.wall_clock(quiet));
            at = self.put(at, 1, width, words, look.coloured(Color::Yellow));
        }
        if let Some(read_until) = live.read_until {
            let ago = look.now.0.saturating_sub(read_until.0).max(0);
            let style = if ago > BEHIND_MS { look.coloured(Color::Yellow) } else { look.faint() };
            let ago = millis(u64::try_from(ago).unwrap_or(0) / 1_000 * 1_000);
            at = self.put(at, 1, width, format!("read until {}, {ago} ago", look.zone.wall_clock(read_until)), style);
        } else if live.window.is_none() {
            at = self.put(at, 1, width, "nothing was read yet", look.coloured(Color::Yellow));
        }
        if !state.filter.is_empty() || state.is_typing {
            let cursor = if state.is_typing { "_" } else { "" };
            self.put(at, 1, width, format!("  /{}{cursor}", state.filter), BOLD);
        }
    }

    fn list(&mut self, state: &TopState, live: &LiveRoutes, body: BodyRows, look: &TopLook) -> usize {
        let layout = TopLayout::of_width(self.area.width);
        self.headings(state.order, &layout, body.from, look);
        let rows = state.rows(live);
        let page = usize::from(body.until.saturating_sub(body.from + 1));
        if rows.is_empty() {
            let words = match (live.rows.is_empty(), live.window) {
                (_, None) => "no log was read yet",
                (true, _) => "no request in this window (+ makes it longer)",
                (false, _) => "no route has this in its name (Esc shows all)",
            };
            self.put(0, body.from + 1, self.area.width, words, look.faint());
            return page;
        }
        let chosen = state.chosen_at(&rows);
        let first = (chosen + 1).saturating_sub(page);
        for (at, row) in rows.iter().enumerate().skip(first).take(page) {
            let y = body.from + 1 + u16::try_from(at - first).unwrap_or(u16::MAX);
            self.list_row(row, &layout, y, at == chosen, look);
        }
        page
    }

    fn headings(&mut self, order: LiveOrder, layout: &TopLayout, y: u16, look: &TopLook) {
        let plain = look.faint();
        let sorted = Style::new().add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));
        self.put(0, y, layout.name, "route", if order == LiveOrder::Name { sorted } else { plain });
        let mut x = layout.name;
        for column in layout.columns {
            let style = if column.is_sorted(order) { sorted } else { plain };
            self.put_right(x, y, column.width(), column.title(), style);
            x += column.width();
        }
        if layout.course > 0 {
            self.put(x + 1, y, layout.course, "p99 by time", plain);
        }
    }

    fn list_row(&mut self, row: &LiveRow, layout: &TopLayout, y: u16, is_chosen: bool, look: &TopLook) {
        let base = if is_chosen { CHOSEN } else { Style::new() };
        if is_chosen {
            self.put(0, y, self.area.width, " ".repeat(usize::from(self.area.width)), base);
        }
        self.put(0, y, layout.name.saturating_sub(1), row.name(), base);
        let mut x = layout.name;
        for column in layout.columns {
            let style = match column {
                TopColumn::Errors if row.status_5xx > 0 => base.patch(look.coloured(Color::Red)),
                TopColumn::P99 if row.slow > 0 => base.patch(look.coloured(Color::Yellow)),
                _ => base,
            };
            self.put_right(x, y, column.width(), &column.cell(row), style);
            x += column.width();
        }
        if layout.course > 0 {
            let course = look.blocks.line(&row.course_p99_ms, usize::from(layout.course));
            let style = if is_chosen { base } else { base.patch(look.coloured(Color::Cyan)) };
            self.put(x + 1, y, layout.course, course, style);
        }
    }

    fn route(&mut self, open: &OpenRoute, live: &LiveRoutes, body: BodyRows, look: &TopLook) -> usize {
        let width = self.area.width;
        let mut y = body.from;
        let row = live.rows.iter().find(|row| row.route == open.route);
        if let Some(row) = row {
            let time = |time_ms: Option<u64>| time_ms.map_or("-".to_owned(), millis);
            let words = format!(
                "p50 {}  p90 {}  max {}  {} of all time  {} slow  4xx {}",
                time(row.p50_ms),
                time(row.p90_ms),
                time(row.max_ms),
                format_args!("{:.1}%", row.share * 100.0),
                count(row.slow),
                count(row.status_4xx)
            );
            self.put(0, y, width, words, Style::new());
            y += 1;
            y = self.courses(row, y, body, look);
        }
        let rows = usize::from(body.until.saturating_sub(y + 1));
        let Some(lines) = &open.lines else {
            self.put(0, y, width, "its slow requests are being read ..", look.faint());
            return rows;
        };
        let missing = if open.missing.is_empty() { String::new() } else { format!("; {}", open.missing.join("; ")) };
        let words = match lines.len() {
            0 => format!("no slow request of it in this window{missing}"),
            listed if listed < open.slow => {
                let (listed, all) = (count(listed as u64), count(open.slow as u64));
                format!("slow requests, the latest {listed} of {all} first{missing}")
            }
            all => format!("slow requests, the latest first: {}{missing}", count(all as u64)),
        };
        self.put(0, y, width, words, if open.missing.is_empty() { BOLD } else { look.coloured(Color::Red) });
        y += 1;
        let chosen = open.chosen.min(lines.len().saturating_sub(1));
        if open.is_whole
            && let Some(line) = lines.get(chosen)
        {
            let text = OpenText { lines: Some(vec![line_words(line), line.line.clone()]), ..OpenText::default() };
            self.wrapped(&text, y, body.until);
            return rows;
        }
        let first = (chosen + 1).saturating_sub(rows);
        for (at, line) in lines.iter().enumerate().skip(first).take(rows) {
            let style = if at == chosen { CHOSEN } else { Style::new() };
            let words = format!("{}  {}", line_words(line), line.line);
            // Of a line of a mebibyte no more is looked at than is seen.
            let shown: String = words.chars().take(usize::from(width)).collect();
            self.put(0, y + u16::try_from(at - first).unwrap_or(u16::MAX), width, shown, style);
        }
        rows
    }

    /// p99 by time and requests by time, as high as there is room for; where the next row is free.
    fn courses(&mut self, row: &LiveRow, y: u16, body: BodyRows, look: &TopLook) -> u16 {
        let room = body.until.saturating_sub(y);
        let height: u16 = match room {
            0..8 => return y,
            8..14 => 1,
            14..30 => 3,
            _ => 6,
        };
        let counts: Vec<Option<u64>> = row.course_count.iter().map(|count| Some(*count)).collect();
        let most = row.course_p99_ms.iter().flatten().max().copied().unwrap_or(0);
        let most_requests = row.course_count.iter().max().copied().unwrap_or(0);
        let mut y = y;
        for (name, values, colour) in [
            (format!("p99, up to {}", millis(most)), &row.course_p99_ms, Color::Cyan),
            (format!("requests, up to {}", count(most_requests)), &counts, Color::Green),
        ] {
            let blocks = look.blocks.rows(values, usize::from(self.area.width.saturating_sub(26)), usize::from(height));
            for (at, line) in blocks.iter().enumerate() {
                let at = y + u16::try_from(at).unwrap_or(0);
                self.put(26, at, self.area.width, line, look.coloured(colour));
            }
            self.put(0, y + height - 1, 25, name, look.faint());
            y += height;
        }
        y
    }

    fn text(&mut self, open: &OpenText, body: BodyRows, look: &TopLook) -> usize {
        self.put(0, body.from, self.area.width, &open.title, BOLD);
        let page = usize::from(body.until.saturating_sub(body.from + 1));
        if open.lines.is_none() {
            self.put(0, body.from + 1, self.area.width, "working .. (Esc lets it be)", look.faint());
            return page;
        }
        self.wrapped(open, body.from + 1, body.until);
        page
    }

    /// Its lines from the one at the top, over as many rows as each takes.
    fn wrapped(&mut self, open: &OpenText, from: u16, until: u16) {
        let (width, mut y) = (usize::from(self.area.width), from);
        for line in open.lines.iter().flatten().skip(open.top) {
            if y >= until {
                return;
            }
            let safe = terminal_safe(line.as_bytes());
            let mut rest: Vec<char> = safe.chars().take(width * usize::from(until - y)).collect();
            loop {
                let more = rest.split_off(row_end(&rest, width));
                self.put(0, y, self.area.width, rest.iter().collect::<String>(), Style::new());
                y += 1;
                if more.is_empty() || y >= until {
                    break;
                }
                rest = more;
            }
        }
    }
}

/// Where a row ends: behind the last blank that there is room for, else where the room ends.
fn row_end(text: &[char], width: usize) -> usize {
    let (mut cells, mut fits) = (0, 0);
    for letter in text {
        cells += cells_of(*letter);
        if cells > width {
            break;
        }
        fits += 1;
    }
    if fits == text.len() {
        return fits;
    }
    let row = text.get(..fits).unwrap_or_default();
    let blank = row.iter().rposition(|letter| *letter == ' ').filter(|at| *at > fits / 2);
    blank.map_or(fits, |at| at + 1).max(1)
}

/// How many cells a letter takes.
fn cells_of(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { Span::raw(letter.to_string()).width() }
}

/// The rows between the head and the keys.
#[derive(Clone, Copy)]
struct BodyRows {
    from: u16,
    until: u16,
}

/// What the head is of: the open route, else all of them.
fn row_of<'l>(state: &TopState, live: &'l LiveRoutes) -> &'l LiveRow {
    let open = state.route.as_ref().and_then(|open| live.rows.iter().find(|row| row.route == open.route));
    open.unwrap_or(&live.all)
}

fn line_words(line: &super::top_state::SlowLineShown) -> String {
    let took = line.took_ms.map_or("-".to_owned(), millis);
    let status = line.status.map_or("-".to_owned(), |status| status.to_string());
    format!("{} {took:>9} {status}", line.time)
}

/// The keys that there are, the most needed first.
fn keys_words(state: &TopState, width: u16) -> String {
    let keys: &[&str] = match (&state.text, &state.route) {
        (Some(_), _) => &["Esc back", "Up Down scroll", "q quit"],
        (None, Some(_)) => &["Esc back", "w why", "Enter whole line", "+ - window", "? keys", "q quit"],
        (None, None) if state.is_typing => &["Enter done", "Esc all routes"],
        (None, None) => &["Enter open", "w why", "s sort", "/ filter", "+ - window", "m missing", "? keys", "q quit"],
    };
    let mut words = String::new();
    for key in keys {
        if !words.is_empty() && words.len() + key.len() + 2 > usize::from(width) {
            break;
        }
        words.push_str(if words.is_empty() { "" } else { "  " });
        words.push_str(key);
    }
    words
}
