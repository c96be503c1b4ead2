//! Pictures against golden files in `tests/golden/report/`.

use std::time::Duration;

use chrono::{FixedOffset, Utc};
use spikeline::histogram::{Cell, Latency, Time};
use spikeline::report::picture::{HeatGrid, Heatmap, PICTURE_STYLE, PercentilePlot, PlotFrame, sparkline, time_ticks};
use spikeline::time::{Timestamp, Window};

use crate::golden;

const START: i64 = 1_322_661_840_000;
const WINDOW: Window = Window { from: Timestamp(START), until: Timestamp(START + 60_000) };

fn cell(times: &[u64]) -> Cell {
    let mut cell = Cell::default();
    for millis in times {
        cell.requests += 1;
        cell.slow += u64::from(*millis >= 1_000);
        cell.time_mut(Time::Request).record(*millis);
    }
    cell
}

/// Six slots: a few fast ones, then slow ones, one of 40 minutes, one slot empty, requests without a time.
fn grid() -> HeatGrid {
    let mut untimed = cell(&[3]);
    untimed.requests += 2;
    let cells = [
        (0, cell(&[0, 3, 3, 3, 4, 12, 30])),
        (1, cell(&[3, 3, 3, 4, 4, 5, 900])),
        (2, cell(&[3, 4, 1_400, 1_450, 1_450, 2_100, 2_400_000])),
        (4, cell(&[2, 3, 3])),
        (5, untimed),
    ];
    HeatGrid::new(WINDOW, Duration::from_secs(10), cells.map(|(slot, cell)| (Timestamp(START + slot * 10_000), cell)))
}

fn heatmap(grid: &HeatGrid) -> Heatmap<'_> {
    let ticks = time_ticks(WINDOW, 4, &Utc);
    Heatmap { grid, threshold_ms: Some(1_000), ticks, title: "<b>git</b> & \"more\"".to_owned() }
}

#[test]
fn heatmap_of_a_minute() {
    let grid = grid();
    let svg = heatmap(&grid).svg(&PlotFrame::within(400.0, 240.0));
    golden("heatmap.svg", &svg.replace("><", ">\n<"));
    // What is longer than the scale is neither clipped nor left out.
    assert!(svg.contains("class=\"beyond above\"") && svg.contains("&gt; 2000 s"), "{svg}");
    assert!(svg.contains("class=\"beyond below\"") && svg.contains("&lt; 2 ms"), "{svg}");
    assert!(!svg.contains("<b>"));
    // A narrow picture, too, says what its lines are, if it is high enough.
    let svg = heatmap(&grid).svg(&PlotFrame::within(400.0, 260.0));
    for words in [">p50<", ">p99<", ">slow from 1 s<", ">requests 1<"] {
        assert!(svg.contains(words), "{words} in {svg}");
    }
}

#[test]
fn a_threshold_at_the_end_of_the_scale_is_drawn() {
    let cell = cell(&[3, 40, 700]);
    let grid = HeatGrid::new(WINDOW, Duration::from_secs(10), [(Timestamp(START), cell)]);
    let threshold_ms = Some(grid.scale.highest());
    let svg = Heatmap { threshold_ms, ..heatmap(&grid) }.svg(&PlotFrame::within(900.0, 400.0));
    assert_eq!(svg.matches("class=\"threshold\"").count(), 2, "one in the plot, one in the legend");
}

#[test]
fn heatmap_table_has_every_request() {
    let grid = grid();
    let zone = FixedOffset::east_opt(3_600).unwrap();
    let table = heatmap(&grid).table(&zone);
    golden("heatmap.html", &table.html().replace("<tr>", "\n<tr>"));
    let number = |cell: &String| cell.replace(',', "").parse::<u64>().unwrap();
    for (row, column) in table.rows.iter().zip(&grid.columns) {
        assert_eq!(row[7..].iter().map(number).sum::<u64>() + column.untimed, column.requests);
    }
}

#[test]
fn a_picture_of_nothing() {
    let grid = HeatGrid::new(WINDOW, Duration::from_secs(10), []);
    let svg = heatmap(&grid).svg(&PlotFrame::within(400.0, 240.0));
    assert!(svg.contains("class=\"plot\"") && !svg.contains("class=\"h1\"") && !svg.contains("legend"), "{svg}");
    assert!(heatmap(&grid).table(&Utc).rows.is_empty());
}

#[test]
fn sparklines_leave_out_what_is_not_there() {
    let svg = sparkline(&[Some(10), Some(20), None, Some(0)]);
    golden("sparkline.svg", &format!("{svg}\n"));
}

#[test]
fn percentiles_end_where_their_requests_do() {
    let latency = |times: &mut dyn Iterator<Item = u64>| {
        let mut latency = Latency::default();
        times.for_each(|millis| latency.record(millis));
        latency
    };
    let chosen = latency(&mut (1..=40).map(|n| n * 100));
    let rest = latency(&mut (1..=2_000).map(|n| n % 97));
    let plot = PercentilePlot {
        chosen: &chosen,
        rest: &rest,
        title: "box and rest".to_owned(),
        chosen_name: "box".to_owned(),
        rest_name: "rest".to_owned(),
    };
    golden("percentiles.svg", &plot.svg(&PlotFrame::within(400.0, 240.0)).replace("><", ">\n<"));
    let table = plot.table();
    golden("percentiles.html", &table.html().replace("<tr>", "\n<tr>"));
    let row = |name: &str| table.rows.iter().find(|row| row[0] == name).unwrap().clone();
    assert_eq!(row("99.9 %")[1..], ["-", "96 ms"]);
    assert_eq!(row("99 %")[1..], ["4,000 ms", "95 ms"]);
}

/// A page's policy may forbid all of it.
#[test]
fn pictures_bring_no_style_script_or_link() {
    let grid = grid();
    let svg = heatmap(&grid).svg(&PlotFrame::within(900.0, 400.0));
    let svg = svg.replace("http://www.w3.org/2000/svg", "");
    for word in ["http", "href", " style=", "<style", "<script", " on", "url(", "fill=", "stroke="] {
        assert!(!svg.contains(word), "{word}");
    }
    assert!(!PICTURE_STYLE.contains("url(") && !PICTURE_STYLE.contains("@import"));
    // Every class of a cell has a colour, in light, dark and print.
    for level in 1..=16 {
        assert_eq!(PICTURE_STYLE.matches(&format!("--h{level}: #")).count(), 3);
        assert!(PICTURE_STYLE.contains(&format!(".pic .h{level} {{")));
    }
}
