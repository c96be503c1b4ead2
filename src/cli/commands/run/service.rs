//! What the service manager is told (`sd_notify`): ready, reloading, stopping, that the daemon lives, and how it goes. Without one
//! (`NOTIFY_SOCKET` is not set) nothing happens.

use std::sync::{Mutex, PoisonError};

use sd_notify::NotifyState;

use crate::daemon::DaemonPulse;
use crate::error::Error;
use crate::report::{count, millis, terminal_safe};
use crate::time::Timestamp;

/// The other side.
#[derive(Default)]
pub(super) struct ServiceManager {
    /// Why the last reload failed; nothing if it did not.
    failed_reload: Mutex<Option<String>>,
}

impl ServiceManager {
    /// The daemon reads and counts.
    pub(super) fn tell_ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// The configuration is being read anew; [`tell_ready`](ServiceManager::tell_ready) ends that.
    pub(super) fn tell_reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    /// What came of a reload, for the status.
    pub(super) fn note_reload(&self, error: Option<&Error>) {
        *self.failed_reload.lock().unwrap_or_else(PoisonError::into_inner) = error.map(Error::headline);
    }

    /// The daemon ends.
    pub(super) fn tell_stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    /// The daemon lives; `systemctl status` shows how it goes.
    pub(super) fn tell_alive(&self, pulse: &DaemonPulse, now: Timestamp) {
        let failed = self.failed_reload.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let status = status_line(pulse, now, failed.as_deref());
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
    }
}

/// Nobody may be listening any more, and there is nobody else to tell.
fn tell(states: &[NotifyState<'_>]) {
    let _unheard = sd_notify::notify(states);
}

/// How it goes, on one line.
fn status_line(pulse: &DaemonPulse, now: Timestamp, failed_reload: Option<&str>) -> String {
    let DaemonPulse { read_until, logs, unread_logs, routes, slots_owed, is_unsaved } = *pulse;
    let read = match read_until {
        Some(until) => {
            let ago = now.millis().saturating_sub(until.millis()).max(0).cast_unsigned();
            format!("read until {until} ({} ago)", millis(ago))
        }
        None => "reading what is there".to_owned(),
    };
    let mut words = vec![format!("{} logs {read}", count(logs as u64)), format!("{} routes", count(routes as u64))];
    if slots_owed > 0 {
        words.push(format!("{} slots owed to carbon", count(slots_owed as u64)));
    }
    if unread_logs > 0 {
        words.push(format!("{} logs CANNOT BE READ", count(unread_logs as u64)));
    }
    if is_unsaved {
        words.push("the store CANNOT BE WRITTEN".to_owned());
    }
    if let Some(failed) = failed_reload {
        let first = failed.lines().next().unwrap_or_default();
        words.push(format!("the last reload FAILED: {}", terminal_safe(first.as_bytes())));
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_what_needs_attention() {
        let now = Timestamp::from_secs(1_322_661_902);
        let mut pulse = DaemonPulse {
            read_until: Some(Timestamp::from_secs(1_322_661_900)),
            logs: 2,
            unread_logs: 0,
            routes: 1234,
            slots_owed: 0,
            is_unsaved: false,
        };
        let well = "2 logs read until 2011-11-30T14:05:00.000Z (2,000 ms ago); 1,234 routes";
        assert_eq!(status_line(&pulse, now, None), well);
        pulse = DaemonPulse { unread_logs: 1, slots_owed: 7, is_unsaved: true, ..pulse };
        assert_eq!(
            status_line(&pulse, now, Some("c.toml:3:1: unknown key\nmore")),
            format!(
                "{well}; 7 slots owed to carbon; 1 logs CANNOT BE READ; the store CANNOT BE WRITTEN; the last reload FAILED: c.toml:3:1: \
                 unknown key"
            )
        );
    }
}
