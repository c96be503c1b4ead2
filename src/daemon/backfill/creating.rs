//! Series that carbon does not know yet, made one after the other before anything else is sent.
//!
//! Carbon makes `MAX_CREATES_PER_MINUTE` new series a minute (50 in its sample) and throws points of all others away. So one point of
//! each goes first, no faster than that; it is one of those that are sent whole afterwards, so it is right by itself.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::account::BackfillAccount;
use super::sent_from::render_step;
use crate::carbon::{Link, Points, SendError};
use crate::error::Result;
use crate::store::View;
use crate::time::Timestamp;

/// Seconds of a minute: of a limit of so many or less one series goes at a time.
const SECONDS: u32 = 60;

/// Carbon's clock and ours, and what the daemon has made meanwhile: a little slower than carbon allows.
const SLACK: f64 = 1.1;

impl BackfillAccount {
    /// All series that what is owed has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn series(&self, view: &View, now: Timestamp) -> Result<BTreeSet<String>> {
        let (mut series, mut points) = (BTreeSet::new(), Points::new());
        for step in self.steps(view.settings().interval, now) {
            points.clear();
            render_step(view, &self.settings.naming, step, &mut points)?;
            for point in points.iter() {
                if !series.contains(point.path) {
                    series.insert(point.path.to_owned());
                }
            }
        }
        Ok(series)
    }

    /// One point of each of these series, the newest there is.
    fn newest_points(&self, view: &View, now: Timestamp, wanted: &BTreeSet<String>) -> Result<Points> {
        let (mut left, mut newest, mut points) = (wanted.clone(), Points::new(), Points::new());
        for step in self.steps(view.settings().interval, now).into_iter().rev() {
            if left.is_empty() {
                break;
            }
            points.clear();
            render_step(view, &self.settings.naming, step, &mut points)?;
            for point in points.iter() {
                if left.remove(point.path) {
                    newest.push(point.path, point.value, Timestamp::from_secs(i64::from(point.at)));
                }
            }
        }
        Ok(newest)
    }
}

/// Send one point of each of these series, so many series a minute at most. Gives what kept them from being sent, if anything did.
///
/// # Errors
/// The store cannot be read.
pub fn create_series(
    view: &View,
    account: &BackfillAccount,
    wanted: &BTreeSet<String>,
    per_minute: u32,
    now: Timestamp,
) -> Result<Option<SendError>> {
    let all = account.newest_points(view, now, wanted)?;
    let at_once = (per_minute / SECONDS).max(1);
    let pause = Duration::from_secs_f64(f64::from(SECONDS) * SLACK * f64::from(at_once) / f64::from(per_minute.max(1)));
    let mut link = Link::new(account.settings.destination.clone(), 0);
    let mut batch = Points::new();
    for (at, point) in (1..).zip(all.iter()) {
        batch.push(point.path, point.value, Timestamp::from_secs(i64::from(point.at)));
        if batch.len() < at_once as usize && at < all.len() {
            continue;
        }
        if let Err(error) = link.send(&batch, Instant::now()) {
            return Ok(Some(error));
        }
        batch.clear();
        std::thread::sleep(pause);
    }
    Ok(None)
}
