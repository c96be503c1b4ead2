//! When rejected lines are many: files and the store answer by one rule, and the doctor knows it.

use support::log::{Request, requests, text};

use crate::index::{ask, folder, index};

/// What `report` of the file, `report` of the store and `check` make of `a.log` with this text: the two codes, and whether it is wrong.
fn judged(text: &str) -> (i32, i32, bool) {
    let (folder, _) = folder(0, "");
    folder.write("a.log", text);
    let file = ask(&folder, &["report", "a.log", "--format=csv"]);
    index(&folder, &["a.log"]);
    let store = ask(&folder, &["report", "--from=2011-11-30T14:00Z", "--until=2011-11-30T16:00Z", "--format=csv"]);
    let check = ask(&folder, &["check"]);
    (file.code, store.code, check.out.contains("WRONG") && check.out.contains("fit format"))
}

fn foreign(lines: usize) -> String {
    "in another format: 12 34 [x]\n".repeat(lines)
}

#[test]
fn files_and_the_store_call_the_same_rejected_lines_many() {
    let requests = requests(600);
    let (head, tail) = (text(&requests[..300], Request::exact), text(&requests[300..], Request::exact));
    let few = text(&requests[..10], Request::exact);
    // Torn lines here and there.
    assert_eq!(judged(&[few.clone(), foreign(2), few.clone()].concat()), (0, 0, false));
    assert_eq!(judged(&[head.clone(), foreign(9), tail.clone()].concat()), (0, 0, false));
    // A run of them in the middle, fewer than one line in 20.
    let (file, store, _) = judged(&[head.clone(), foreign(12), tail.clone()].concat());
    assert_eq!((file, store), (3, 3));
    // A few at the end.
    let (file, store, _) = judged(&[head.clone(), tail.clone(), foreign(3)].concat());
    assert_eq!((file, store), (3, 3));
    // Scattered, more than one in 20.
    let mut scattered = String::new();
    for line in head.lines().chain(tail.lines()).collect::<Vec<_>>().chunks(14) {
        scattered += &line.join("\n");
        scattered += "\n";
        scattered += &foreign(1);
    }
    assert_eq!(judged(&scattered), (3, 3, true));
    // Nothing else; such a log is not taken in.
    let (file, _, check) = judged(&foreign(1));
    assert_eq!((file, check), (3, true));
}
