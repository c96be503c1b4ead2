//! That the list of functions is whole, and that what is not in it is refused by name. Their values are held against graphite-web's own by
//! `tests/lab/graphite_api.py`, and against a store in `tests/http`.

use super::table::FUNCTIONS;
use super::*;

#[test]
fn functions_stand_in_the_order_of_their_names_with_what_they_take() {
    let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| name.to_lowercase());
    sorted.dedup();
    assert_eq!(names, sorted);
    let summarize = FUNCTIONS.iter().find(|function| function.name == "summarize").unwrap().described();
    assert_eq!(summarize["function"], "summarize(seriesList, intervalString, func, alignToFrom)");
    assert_eq!(summarize["params"][0]["required"], true);
    assert!(summarize["params"][2]["options"].as_array().unwrap().len() > 10);
}

#[test]
fn the_documentation_lists_all_functions() {
    let page = include_str!("../../../docs/graphs.md");
    for function in FUNCTIONS {
        assert!(page.contains(&format!("`{}`", function.name)), "docs/graphs.md lacks `{}`", function.name);
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let error = unknown("sumSerie");
    assert_eq!(error.to_string(), "the function `sumSerie` is not supported\n  help: did you mean `sumSeries`?");
    assert!(unknown("holtWintersForecast").to_string().contains("`holtWintersForecast` is not supported"));
}
