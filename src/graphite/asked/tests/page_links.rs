//! Links of the page, and points of graphs that were clicked: every part is understood, refused by name, or said to be passed over.

use super::*;
use crate::graphite::around::length_of;

const PAGE: &str = "http://127.0.0.1:8417/?route=static";

/// What a point that was clicked at this time stands for, in this setting.
fn clicked(setting: &Setting, text: &str) -> (String, u64, Vec<String>) {
    let asked = ask_in(setting, &[text]).unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
    let point = asked.point.unwrap();
    (point.span.from.to_string().replace(".000Z", ""), length_of(point.span).as_secs(), asked.notes)
}

#[test]
fn every_window_that_the_address_has_is_taken_over() {
    for (words, window) in [
        ("&since=1h", "2026-11-22T13:05:30 2026-11-22T14:05:30"),
        ("&since=13:00&tz=UTC", "2026-11-22T13:00:00 2026-11-22T14:05:30"),
        ("&at=14:00&window=2min", "2026-11-22T14:00:00 2026-11-22T14:02:00"),
        ("&at=15:00&window=2min&tz=Europe/Berlin", "2026-11-22T14:00:00 2026-11-22T14:02:00"),
        ("&at=14:00", "2026-11-22T14:00:00 2026-11-22T14:01:00"),
        ("&from=13:00&window=10min", "2026-11-22T13:00:00 2026-11-22T13:10:00"),
        ("&from=13:00&until=13:05", "2026-11-22T13:00:00 2026-11-22T13:05:00"),
        ("", "- -"),
    ] {
        let asked = ask(&format!("{PAGE}{words}"));
        assert_eq!((times(&asked).as_str(), asked.notes.len()), (window, 0), "{words}: {:?}", asked.notes);
        assert!(asked.is_view_of_page());
    }
    // The lines of a box are those of the box, whatever is shown around it.
    let asked = ask(&format!("{PAGE}&since=1h&box=1795354510000,1795354620000,0,"));
    assert_eq!(times(&asked), "2026-11-22T13:35:10 2026-11-22T13:37:00");
    let mistake = refuse(&format!("{PAGE}&since=yesteryear"));
    assert!(mistake.what.contains("`yesteryear` says no window"), "{mistake}");
    let mistake = refuse(&format!("{PAGE}&since=1h&from=13:00"));
    assert!(mistake.what.contains("says no window"), "{mistake}");
}

#[test]
fn what_is_not_taken_over_is_said() {
    let notes = |more: &str| ask(&format!("{PAGE}{more}")).notes;
    assert_eq!(notes("&tab=split&sort=&filter="), Vec::<String>::new());
    assert!(notes("&filter=git").concat().contains("`filter=git` narrows"));
    assert!(notes("&sort=p99").concat().contains("`sort=p99` orders"));
    assert!(notes("&method=POST").concat().contains("`method=POST` is nothing that the page knows"));
    let mistake = refuse(&format!("{PAGE}&not=method"));
    assert!(mistake.what.contains("`not=method` is no condition"), "{mistake}");
    let several = ask("http://web1/?route=static&route=webapp.*&status=404&only=status:4xx&min-time=2s");
    assert_eq!(several.routes, ["static", "webapp.*"]);
    assert_eq!((several.statuses, several.min_ms), (vec![404..=404], Some(2000)));
}

#[test]
fn a_point_is_as_long_as_carbon_keeps_it() {
    let kept = Setting { archives: "10s:6h,1m:6d,10m:30d", ..STORE };
    let link = |more: &str| format!("/at?m=nginx.web1.static.request_time.p99&t=1795354510000{more}");
    assert_eq!(clicked(&kept, &link("")), ("2026-11-22T13:35:10".to_owned(), 10, vec![]));
    // Two days ago only minutes are kept; so they are where the graph begins then.
    assert_eq!(clicked(&kept, &link("").replace("1795354510000", "1795181710000")).1, 60);
    let (from, length, notes) = clicked(&kept, &link("&from=now-2d&to=now&maxDataPoints=3000"));
    assert_eq!((from.as_str(), length, notes.len()), ("2026-11-22T13:35:00", 60, 0), "{notes:?}");
    // Of a route alone, as long as what is sent of it.
    assert_eq!(clicked(&kept, "/at?route=static&t=1795181710000").1, 60);
    // Nothing is known: that is said.
    let (_, length, notes) = clicked(&STORE, &link(""));
    assert!(length == 10 && notes.concat().contains("nothing here says how long carbon's points"), "{notes:?}");
}

#[test]
fn a_point_is_as_many_as_the_graph_draws_as_one() {
    let kept = Setting { archives: "10s:60d", ..STORE };
    let link =
        |more: &str| format!("/at?m=nginx.web1.static.request_time.p99&t=1795354510000&from=now-1d&to=now{more}");
    // 8640 points as 100: 87 each, counted from the epoch as graphite-web does.
    let (from, length, notes) = clicked(&kept, &link("&maxDataPoints=100"));
    assert_eq!((from.as_str(), length), ("2026-11-22T13:22:30", 870), "{notes:?}");
    assert!(notes.concat().contains("87 points as one") && !notes.concat().contains("assumed"), "{notes:?}");
    let (_, length, notes) = clicked(&kept, &link(""));
    assert!(length == 180 && notes.concat().contains("assumed"), "{length} {notes:?}");
    for (step, seconds) in [("60000", 60), ("1m", 60), ("90s", 90), ("1h", 3600), ("1min", 60)] {
        assert_eq!(clicked(&STORE, &link(&format!("&step={step}"))).1, seconds, "{step}");
    }
    assert_eq!(clicked(&kept, &link("&step=${__interval}&maxDataPoints=${x}")).1, 180, "not filled in");
    assert!(refuse(&link("&step=soon")).what.contains("`soon` (step=)"));
}

#[test]
fn a_clicked_point_of_a_picture_is_a_pixel_wide() {
    let kept = Setting { archives: "10s:60d", clicked: Some(Timestamp(1_795_354_510_000)), ..STORE };
    let link = |more: &str| format!("http://g/render?target=nginx.web1.static.request_time.p99&from=-1d{more}");
    assert_eq!(clicked(&kept, &link("&width=864")).1, 100);
    assert_eq!(clicked(&kept, &link("")).1, 270, "330 pixels");
    assert_eq!(clicked(&kept, &link("&format=json&maxDataPoints=432")).1, 200);
}

#[test]
fn the_length_of_a_point_stands_in_an_address() {
    for known_by in [PointKnowledge::Nothing, PointKnowledge::Archives, PointKnowledge::Link] {
        let step = Duration::from_secs(10);
        let how = PointLength { length: step * 18, step, known_by, is_width_known: false };
        assert_eq!(PointLength::of_parameter(&how.to_parameter()), Some(how));
    }
    for wrong in ["", "1,2,3", "1,2,kept", "x,1,kept,known", "1,2,often,known"] {
        assert_eq!(PointLength::of_parameter(wrong), None, "{wrong}");
    }
}
