//! What a notice is to whoever filters them: its kind, by a name that never changes, and how bad it is.
//!
//! `docs/operate.md` says of each kind what to do; a test here holds the two against each other.

use super::notice::Notice;
#[cfg(feature = "otlp")]
use super::otlp_notice::OtlpNotice;

/// How bad it is: syslog's severities, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    /// Something is or will be lost, or the daemon ends.
    Error = 3,
    /// Something does not work now.
    Warning = 4,
    /// Worth knowing; mostly that something works again.
    Notice = 5,
    /// What goes on.
    Info = 6,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
            Severity::Info => "info",
        }
    }

    /// Its number, as journald's prefix `<N>` has it.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl Notice {
    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Notice::Started { .. } => "started",
            Notice::Remark(_) => "remark",
            Notice::SlotDelay { .. } => "slot-delay",
            Notice::Reloading => "reloading",
            Notice::Reloaded { .. } => "reloaded",
            Notice::ReloadFailed(_) => "reload-failed",
            Notice::PageServed { .. } => "page-served",
            Notice::PageFailed(_) => "page-failed",
            Notice::EventPosted { .. } => "event-posted",
            Notice::EventFailed(_) => "event-failed",
            Notice::Stopped(_) => "stopped",
            Notice::HeldBack { .. } => "held-back",
            Notice::Following { .. } => "following",
            Notice::LogFailed { .. } => "log-failed",
            Notice::LogReadAfterAll { .. } => "log-read-after-all",
            Notice::LogLeftUnread { .. } => "log-left-unread",
            Notice::LinesLost { .. } => "lines-lost",
            Notice::LookFailed(_) => "look-failed",
            Notice::MostRejected { .. } => "most-rejected",
            Notice::FormatChanged { .. } => "format-changed",
            Notice::FormatsUnread(_) => "formats-unread",
            Notice::FormatLeft { .. } => "format-left",
            Notice::LinesUndecided { .. } => "lines-undecided",
            Notice::JournalCut { .. } => "journal-cut",
            Notice::StoreExposed(_) => "store-exposed",
            Notice::StoreLost(_) => "store-lost",
            Notice::CommitFailed(_) => "commit-failed",
            Notice::CommittedAgain => "committed-again",
            Notice::SealFailed(_) => "seal-failed",
            Notice::UpkeepFailed(_) => "upkeep-failed",
            Notice::SegmentsDropped { .. } => "segments-dropped",
            Notice::SlotIncomplete(_) => "slot-incomplete",
            Notice::CarbonConnected { .. } => "carbon-connected",
            Notice::CarbonFailed(_) => "carbon-failed",
            Notice::SentAgain { .. } => "sent-again",
            Notice::RoutesFull { .. } => "routes-full",
            Notice::SeriesFull => "series-full",
            Notice::LateUnsent { .. } => "late-unsent",
            Notice::SpoolOverflowed { .. } => "spool-overflowed",
            Notice::BackfillSendFailed(_) => "backfill-send-failed",
            Notice::CarbonLeftBehind { .. } => "carbon-left-behind",
            #[cfg(feature = "otlp")]
            Notice::Otlp(notice) => notice.kind(),
        }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Notice::Started { .. }
            | Notice::Remark(_)
            | Notice::SlotDelay { .. }
            | Notice::Reloading
            | Notice::PageServed { .. }
            | Notice::Stopped(_)
            | Notice::Following { .. } => Severity::Info,
            Notice::Reloaded { .. }
            | Notice::FormatChanged { .. }
            | Notice::LogReadAfterAll { .. }
            | Notice::CommittedAgain
            | Notice::SegmentsDropped { .. }
            | Notice::CarbonConnected { .. }
            | Notice::SentAgain { .. }
            | Notice::EventPosted { .. }
            | Notice::HeldBack { .. } => Severity::Notice,
            Notice::PageFailed(_)
            | Notice::EventFailed(_)
            | Notice::LogFailed { .. }
            | Notice::LookFailed(_)
            | Notice::MostRejected { .. }
            | Notice::FormatsUnread(_)
            | Notice::FormatLeft { .. }
            | Notice::LinesUndecided { .. }
            | Notice::JournalCut { .. }
            | Notice::StoreExposed(_)
            | Notice::SealFailed(_)
            | Notice::UpkeepFailed(_)
            | Notice::SlotIncomplete(_)
            | Notice::CarbonFailed(_)
            | Notice::RoutesFull { .. }
            | Notice::SeriesFull
            | Notice::LateUnsent { .. }
            | Notice::SpoolOverflowed { .. }
            | Notice::BackfillSendFailed(_)
            | Notice::CarbonLeftBehind { .. } => Severity::Warning,
            Notice::ReloadFailed(_)
            | Notice::LogLeftUnread { .. }
            | Notice::LinesLost { .. }
            | Notice::StoreLost(_)
            | Notice::CommitFailed(_) => Severity::Error,
            #[cfg(feature = "otlp")]
            Notice::Otlp(OtlpNotice::SlotDelay { .. }) => Severity::Info,
            #[cfg(feature = "otlp")]
            Notice::Otlp(OtlpNotice::Connected { .. }) => Severity::Notice,
            #[cfg(feature = "otlp")]
            Notice::Otlp(_) => Severity::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The texts between quotes behind `=> ` in the code: the names of all kinds, also of those that this build has not.
    fn kinds() -> BTreeSet<&'static str> {
        let mut kinds = BTreeSet::new();
        for (file, end) in [
            (include_str!("notice_kind.rs"), "pub fn severity("),
            (include_str!("otlp_notice.rs"), "impl fmt::Display"),
        ] {
            let of_notices = file.split_once("fn kind(").unwrap().1.split_once(end).unwrap().0;
            kinds.extend(of_notices.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap()));
        }
        kinds
    }

    #[test]
    fn the_manual_says_of_every_message_what_to_do() {
        let manual = include_str!("../../docs/operate.md").split_once("## What to do at 3 a.m.").unwrap().1;
        let mut told = BTreeSet::new();
        for row in manual.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
            assert!(["error", "warning", "notice", "info"].contains(&cells[1]), "{row}");
            assert!(told.insert(cells[0].trim_matches('`')), "twice: {row}");
        }
        assert_eq!(told, kinds());
    }
}
