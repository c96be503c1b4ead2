//! Of which times the rows of a report are: `--times`.

use super::Rows;
use crate::cli::answer::output::say;
use crate::error::{Error, Result};
use crate::histogram::{Cell, TIMES, Time};

/// The times that are shown, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct ShownTimes(Vec<Time>);

impl ShownTimes {
    /// By the names of nginx's variables, with commas between; `all` of them.
    ///
    /// # Errors
    /// A name that is none of these.
    pub(in crate::cli) fn of_names(names: &str) -> Result<ShownTimes> {
        let mut times = Vec::new();
        for name in names.split(',').map(|name| name.trim().trim_start_matches('$')) {
            let named: Vec<Time> = TIMES.into_iter().filter(|time| name == "all" || time.name() == name).collect();
            if named.is_empty() {
                let known: Vec<&str> = TIMES.into_iter().map(Time::name).collect();
                let error = Error::usage(format!("--times: `{name}` is no time that is counted"));
                return Err(error.remedy(format!("write {} or all", known.join(", "))));
            }
            times.extend(named);
        }
        times.dedup();
        Ok(ShownTimes(times))
    }

    /// Whether others are shown than how long requests took.
    pub(in crate::cli) fn are_of_upstreams(&self) -> bool {
        self.0 != [Time::Request]
    }

    /// Whether each row says of which time it is.
    pub(in crate::cli) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// The rows of these times: of several a row each, with the time behind the fields, and none of a time that no request has.
    pub(in crate::cli) fn rows(&self, rows: Rows) -> Rows {
        let [only] = self.0.as_slice() else {
            let mut of_times = Rows::new();
            for (values, cell) in rows {
                for &time in &self.0 {
                    if cell.time(time).is_empty() && time != Time::Request {
                        continue;
                    }
                    let mut values = values.clone();
                    values.push(time.name().to_owned());
                    of_times.push((values, cell_of(&cell, time)));
                }
            }
            return of_times;
        };
        if *only == Time::Request {
            return rows;
        }
        say(&format!("all times are those of ${}, summed over the attempts of a request", only.name()));
        rows.into_iter().map(|(values, cell)| (values, cell_of(&cell, *only))).collect()
    }
}

/// The same requests, with that time in the place of how long they took.
fn cell_of(cell: &Cell, time: Time) -> Cell {
    let mut shown = cell.clone();
    *shown.time_mut(Time::Request) = cell.time(time).clone();
    shown
}
