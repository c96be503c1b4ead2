//! Where the time went, as an icicle: all of it on top, under it the routes node by node of their names. As wide as the time that the
//! requests took together, as dark as their p99.
//!
//! A node that has one other under it and no requests of its own is one with it: `webapp.backend` is no step, if there is nothing else
//! below `webapp`.

use std::collections::BTreeMap;

use super::heatmap::LEVELS;
use super::latency_scale::LatencyScale;
use super::markup::{Px, markup_safe};
use super::picture_table::{PictureTable, push};
use super::pictured_requests::timed;
use crate::histogram::{Cell, Latency, Quantile};
use crate::report::number;
use crate::route::readable_name;

/// The height of a row.
const ROW: f64 = 26.0;

/// What stands above the rows: the legend.
const HEAD: f64 = 30.0;

/// What a character takes, about.
const LETTER: f64 = 6.4;

/// Names have more nodes than this at times; what is below is one with its parent.
const DEEPEST: usize = 10;

/// The table leaves out what took less than this part of all.
const LEAST_PART: u64 = 1_000;

/// Routes by the nodes of their names.
#[derive(Debug, Clone, Default)]
pub struct Icicle {
    root: IcicleNode,
    title: String,
}

/// A node of names, and all requests below it.
#[derive(Debug, Clone, Default)]
struct IcicleNode {
    /// As in Graphite, from the beginning.
    path: String,
    /// What it adds to its parent's name, as people read it.
    label: String,
    requests: u64,
    /// Requests of a route that ends here.
    own: u64,
    latency: Latency,
    /// In the order of time.
    nodes: Vec<IcicleNode>,
}

/// A route with the nodes of its name that are not gone down yet.
struct NamedCell<'r> {
    nodes: Vec<&'r str>,
    cell: &'r Cell,
}

impl Icicle {
    /// Of routes by their names.
    pub fn new(title: impl Into<String>, routes: &[(String, Cell)]) -> Icicle {
        let mut named = Vec::new();
        for (name, cell) in routes {
            named.push(NamedCell { nodes: name.split('.').collect(), cell });
        }
        let mut root = IcicleNode::new(String::new(), &named, 0);
        root.label = "all routes".to_owned();
        Icicle { root, title: title.into() }
    }

    /// The picture, so wide; as high as it has rows.
    pub fn svg(&self, width: f64) -> String {
        let width = width.clamp(200.0, 8_000.0);
        let height = HEAD + ROW * self.root.depth() as f64 + 2.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pic icicle\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title>",
            Px(width),
            Px(height),
            markup_safe(&self.title)
        );
        let scale = self.scale();
        self.draw_legend(width, &scale, &mut svg);
        let all_ms = self.root.latency.sum_ms();
        draw_node(&self.root, IciclePlace { left: 0.0, width, row: 0 }, all_ms, &scale, &mut svg);
        svg.push_str("</svg>");
        svg
    }

    /// The numbers, from above; what took less than a thousandth is counted in the last row.
    pub fn table(&self) -> PictureTable {
        let headings = ["route", "requests", "time", "share", "p50", "p99", "max"].map(str::to_owned).to_vec();
        let (mut rows, mut left_out) = (Vec::new(), 0);
        add_rows(&self.root, self.root.latency.sum_ms(), &mut rows, &mut left_out);
        if left_out > 0 {
            let mut row = vec![format!("{} more, each of less than 0.1 %", number::count(left_out))];
            row.resize(headings.len(), String::new());
            rows.push(row);
        }
        PictureTable { caption: self.title.clone(), headings, rows }
    }

    /// Of the p99 of all nodes.
    fn scale(&self) -> LatencyScale {
        let (mut least, mut most) = (u64::MAX, 0);
        self.root.widen(&mut least, &mut most);
        LatencyScale::covering(if least == u64::MAX { 1 } else { least }, most)
    }

    fn draw_legend(&self, width: f64, scale: &LatencyScale, svg: &mut String) {
        let (size, y) = (8.0, 12.0);
        let (low, high) = (number::millis(scale.lowest()), number::millis(scale.highest()));
        let right = width - 4.0 - LETTER * high.len() as f64;
        let left = right - 6.0 - size * LEVELS as f64;
        push(
            svg,
            format_args!(
                "<g class=\"legend\"><text class=\"end\" x=\"{}\" y=\"{}\">p99 {low}</text>",
                Px(left - 5.0),
                Px(y + 4.0)
            ),
        );
        for level in 1..=LEVELS {
            let x = Px(left + size * (level - 1) as f64);
            push(
                svg,
                format_args!(
                    "<rect class=\"h{level}\" x=\"{x}\" y=\"{}\" width=\"{size}\" height=\"10\"/>",
                    Px(y - 5.0)
                ),
            );
        }
        push(svg, format_args!("<text x=\"{}\" y=\"{}\">{high}</text></g>", Px(right), Px(y + 4.0)));
    }
}

impl IcicleNode {
    /// All of these routes are below it; `depth` of their nodes are its own name.
    fn new(path: String, routes: &[NamedCell<'_>], depth: usize) -> IcicleNode {
        let mut node = IcicleNode { path, ..IcicleNode::default() };
        let mut below: BTreeMap<&str, Vec<NamedCell<'_>>> = BTreeMap::new();
        for NamedCell { nodes, cell } in routes {
            node.requests += cell.requests;
            node.latency.merge(timed(cell));
            match nodes.get(depth) {
                Some(next) if depth < DEEPEST => {
                    below.entry(next).or_default().push(NamedCell { nodes: nodes.clone(), cell });
                }
                _ => node.own += cell.requests,
            }
        }
        for (name, routes) in below {
            let path = if node.path.is_empty() { name.to_owned() } else { format!("{}.{name}", node.path) };
            let mut child = IcicleNode::new(path, &routes, depth + 1);
            let label = readable_name(name).into_owned();
            child.label = if child.label.is_empty() { label } else { format!("{label}.{}", child.label) };
            node.nodes.push(child);
        }
        node.nodes.sort_by(|one, other| {
            (other.latency.sum_ms().cmp(&one.latency.sum_ms())).then_with(|| one.path.cmp(&other.path))
        });
        // One step where the names take one.
        if depth > 0
            && node.own == 0
            && node.nodes.len() == 1
            && let Some(only) = node.nodes.pop()
        {
            return only;
        }
        node
    }

    fn depth(&self) -> usize {
        1 + self.nodes.iter().map(IcicleNode::depth).max().unwrap_or(0)
    }

    fn p99_ms(&self) -> Option<u64> {
        self.latency.quantile(Quantile::per_mille(990))
    }

    fn widen(&self, least: &mut u64, most: &mut u64) {
        if let Some(p99_ms) = self.p99_ms() {
            *least = (*least).min(p99_ms.max(1));
            *most = (*most).max(p99_ms);
        }
        for node in &self.nodes {
            node.widen(least, most);
        }
    }

    /// In words, for a pointer and for who listens.
    fn words(&self, all_ms: u64) -> String {
        let p99 = number::millis_or_dash(self.p99_ms());
        let name = if self.path.is_empty() { self.label.as_str().into() } else { readable_name(&self.path) };
        let (requests, time) = (number::count(self.requests), number::millis(self.latency.sum_ms()));
        format!("{name}: {requests} requests took {time} ({}), p99 {p99}", share_words(&self.latency, all_ms))
    }
}

/// Where a node is drawn.
#[derive(Clone, Copy)]
struct IciclePlace {
    left: f64,
    width: f64,
    row: usize,
}

fn draw_node(node: &IcicleNode, place: IciclePlace, all_ms: u64, scale: &LatencyScale, svg: &mut String) {
    let IciclePlace { left, width, row } = place;
    // What is narrower is not seen; its numbers are in the table.
    if width < 0.7 || all_ms == 0 {
        return;
    }
    let level = node.p99_ms().map_or(0, |p99_ms| {
        let place = (scale.place(p99_ms) * LEVELS as f64).floor();
        (place.max(0.0) as u64 + 1).min(LEVELS)
    });
    let y = HEAD + ROW * row as f64;
    let gap = if width > 4.0 { 1.0 } else { 0.0 };
    let words = node.words(all_ms);
    push(
        svg,
        format_args!(
            "<g><title>{}</title><rect class=\"h{level}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            markup_safe(&words),
            Px(left),
            Px(y),
            Px(width - gap),
            Px(ROW - 1.0)
        ),
    );
    if let Some(label) = label_within(node, width - 10.0, all_ms) {
        let class = if level * 2 <= LEVELS { "on-low" } else { "on-high" };
        push(
            svg,
            format_args!(
                "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                Px(left + 5.0),
                Px(y + 16.5),
                markup_safe(&label)
            ),
        );
    }
    svg.push_str("</g>");
    let mut at = left;
    for below in &node.nodes {
        let share = below.latency.sum_ms() as f64 / node.latency.sum_ms().max(1) as f64;
        draw_node(below, IciclePlace { left: at, width: width * share, row: row + 1 }, all_ms, scale, svg);
        at += width * share;
    }
}

/// As much of name and numbers as there is room for; nothing where not even a few letters have.
fn label_within(node: &IcicleNode, room: f64, all_ms: u64) -> Option<String> {
    let letters = (room / LETTER).max(0.0) as usize;
    let time = format!("{} · {}", number::millis(node.latency.sum_ms()), share_words(&node.latency, all_ms));
    let length = node.label.chars().count();
    if length + 3 + time.chars().count() <= letters {
        return Some(format!("{} · {time}", node.label));
    }
    if length <= letters {
        return Some(node.label.clone());
    }
    (letters >= 4).then(|| node.label.chars().take(letters - 1).chain(['…']).collect())
}

fn share_words(latency: &Latency, all_ms: u64) -> String {
    number::percent(latency.sum_ms() as f64 / all_ms.max(1) as f64)
}

fn add_rows(node: &IcicleNode, all_ms: u64, rows: &mut Vec<Vec<String>>, left_out: &mut u64) {
    if node.latency.sum_ms().saturating_mul(LEAST_PART) < all_ms {
        *left_out += 1;
        return;
    }
    let name = if node.path.is_empty() { node.label.clone() } else { readable_name(&node.path).into_owned() };
    let quantiles = node.latency.quantiles([Quantile::per_mille(500), Quantile::per_mille(990)]);
    let [p50_ms, p99_ms] = quantiles.map_or([None; 2], |found| found.map(Some));
    let max_ms = (!node.latency.is_empty()).then(|| node.latency.max_ms());
    rows.push(vec![
        name,
        number::count(node.requests),
        number::millis(node.latency.sum_ms()),
        share_words(&node.latency, all_ms),
        number::millis_or_dash(p50_ms),
        number::millis_or_dash(p99_ms),
        number::millis_or_dash(max_ms),
    ]);
    for below in &node.nodes {
        add_rows(below, all_ms, rows, left_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Time;
    use proptest::prelude::*;

    fn route(name: &str, millis: &[u64]) -> (String, Cell) {
        let mut cell = Cell::default();
        for time in millis {
            cell.requests += 1;
            cell.time_mut(Time::Request).record(*time);
        }
        (name.to_owned(), cell)
    }

    fn names(icicle: &Icicle) -> Vec<String> {
        icicle.table().rows.into_iter().map(|row| row.into_iter().next().unwrap()).collect()
    }

    #[test]
    fn names_part_where_routes_do() {
        let routes = [
            route("webapp.backend.git", &[3_000, 2_000]),
            route("webapp.backend.wiki", &[100]),
            route("api.v1.users.__id", &[40]),
            route("static.app_2Ejs", &[0]),
        ];
        let icicle = Icicle::new("time", &routes);
        assert_eq!(
            names(&icicle),
            [
                "all routes",
                "webapp.backend",
                "webapp.backend.git",
                "webapp.backend.wiki",
                "api.v1.users.{id}",
                "1 more, each of less than 0.1 %"
            ]
        );
        let svg = icicle.svg(1_000.0);
        assert!(svg.contains(">webapp.backend · 5,100 ms · 99.2 %</text>"), "{svg}");
        assert!(svg.contains("<title>webapp.backend.git: 2 requests took 5,000 ms (97.3 %), p99 3,000 ms</title>"));
    }

    #[test]
    fn a_route_may_end_where_others_go_on() {
        let icicle = Icicle::new("time", &[route("a", &[10]), route("a.b", &[30])]);
        assert_eq!(names(&icicle), ["all routes", "a", "a.b"]);
    }

    #[test]
    fn of_nothing_there_is_a_picture_too() {
        for routes in [vec![], vec![route("a", &[])], vec![route("a", &[0])]] {
            let svg = Icicle::new("<nothing>", &routes).svg(f64::NAN.max(300.0));
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"), "{svg}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// What is below a node is its time, but for what ends there; and no name breaks out of the picture.
        #[test]
        fn widths_are_time(routes in proptest::collection::vec(("[a-c]{1}(\\.[a-c<\"]{1,2}){0,3}", proptest::collection::vec(0u64..100_000, 0..5)), 0..20)) {
            let cells: Vec<(String, Cell)> = routes.iter().map(|(name, millis)| route(name, millis)).collect();
            let icicle = Icicle::new("time", &cells);
            let sum: u64 = routes.iter().flat_map(|(_, millis)| millis).sum();
            prop_assert_eq!(icicle.root.latency.sum_ms(), sum);
            fn check(node: &IcicleNode) -> bool {
                let below: u64 = node.nodes.iter().map(|node| node.requests).sum();
                node.requests == node.own + below && node.nodes.iter().all(check)
            }
            prop_assert!(check(&icicle.root));
            prop_assert!(!icicle.svg(700.0).contains("<\""));
        }
    }
}
