//! Pictures as SVG, each with the table of what it shows. The page, and whatever else shows one, uses the same.
//!
//! ```text
//! markup          text and numbers into SVG and HTML, so that neither can be broken out of
//! latency_scale   milliseconds to rows, ten a decade, whose edges no bucket of a histogram lies across
//! time_ticks      where the clock shows round numbers, in the viewer's zone
//! plot_frame      where in a picture its plot lies
//! picture_table   the table behind a picture
//! heat_grid       cells of a store to columns of time and rows of latency
//! heatmap         the grid as a picture: counts by colour, percentiles and threshold over them
//! sparkline       one row's course in the height of a line
//! percentile_plot two latencies by percentile, as far as each of them knows
//! icicle          routes by the nodes of their names: width by time, colour by p99
//! time_course     requests of files by steps of time, before their window is known
//! pictured_requests  what all of an answer's pictures are drawn from
//! zoned           ticks and tables on the clocks of a zone by its name
//! ```
//!
//! A picture has no colour of its own: it has classes, and [`PICTURE_STYLE`] says what they look like in light and in dark, on
//! paper too. Nothing in it is a style, a script or a link, so the strictest policy of a page lets it stand. All numbers in
//! a picture's table are those that it was drawn from.

mod heat_grid;
mod heatmap;
mod icicle;
mod latency_scale;
mod markup;
mod percentile_plot;
mod picture_table;
mod pictured_requests;
mod plot_frame;
mod sparkline;
mod time_course;
mod time_ticks;
mod zoned;

pub use heat_grid::{HeatColumn, HeatGrid};
pub use heatmap::{Heatmap, RowPlace};
pub use icicle::Icicle;
pub use latency_scale::LatencyScale;
pub use markup::markup_safe;
pub use percentile_plot::PercentilePlot;
pub use picture_table::PictureTable;
pub use pictured_requests::{PicturedRequests, timed};
pub use plot_frame::PlotFrame;
pub use sparkline::sparkline;
pub use time_course::TimeCourse;
pub use time_ticks::{TimeTick, step_for, time_ticks};
pub use zoned::{zone_table, zone_ticks};

/// What the classes of all pictures look like: light, dark, and printed.
pub const PICTURE_STYLE: &str = include_str!("picture.css");
