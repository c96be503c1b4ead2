//! The page: one document, one style sheet, one script, and what that asks for.
//!
//! ```text
//! page.html, page.css, page.js   what a browser loads; nothing else, and nothing from elsewhere
//! question        window, routes, box, conditions, zone: what a view is of, as the page's address has it
//! shown_time      times in the viewer's zone
//! line_fields     a raw line as fields, and whether it is what was clicked
//! command_words   the command that gives the same answer
//!   overview      /page/overview     the heatmap, its table, and what the window lacks
//!   route_list    /page/routes       the routes of the window, that which changed most first
//!   box_lines     /page/lines        the raw lines behind a box, the worst first
//!   box_split     /page/split        what the box's requests are, beside the rest (split_tally)
//!   box_curves    /page/percentiles  how long they took, beside the rest
//!   landing       /at                where a link of a graph leads
//! ```
//!
//! Pictures are made by `report::picture`, of numbers that stand beside them; the script draws nothing but what a pointer does.
//! Text of logs is sent as JSON, and the script puts it into the page as text.

mod box_curves;
mod box_lines;
mod box_split;
mod command_words;
mod landing;
mod line_fields;
mod overview;
mod question;
mod route_list;
mod shown_time;
mod split_tally;

use super::asked::Asked;
use super::endpoint::Endpoint;
use super::reply::Reply;
use crate::report::picture::PICTURE_STYLE;
pub use question::opening_window;

/// The page and what it loads.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::fixed("/", page),
    Endpoint::fixed("/page.css", style),
    Endpoint::fixed("/page.js", script),
    Endpoint::get("/page/overview", overview::answer),
    Endpoint::get("/page/routes", route_list::answer),
    Endpoint::get("/page/lines", box_lines::answer),
    Endpoint::get("/page/split", box_split::answer),
    Endpoint::get("/page/percentiles", box_curves::answer),
    Endpoint::get("/at", landing::answer),
];

fn page(_asked: &Asked) -> Reply {
    Reply::html(include_str!("page.html"))
}

fn style(_asked: &Asked) -> Reply {
    Reply::of("text/css; charset=utf-8", [PICTURE_STYLE, include_str!("page.css")].concat())
}

fn script(_asked: &Asked) -> Reply {
    Reply::of("text/javascript; charset=utf-8", include_str!("page.js"))
}
