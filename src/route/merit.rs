//! What a request does for its route's place among those that there may be.

/// How well a request earns its route a place, by the request's own line alone: so whoever reads the line again says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RouteMerit {
    /// It was answered with 4xx, as whatever strangers make up is.
    Refused,
    /// It was answered, or its client went away (499).
    Answered,
    /// It took a second or failed (5xx), which is what graphs are looked at for; or rules or locations name it, whatever it asks for.
    Costly,
}

/// From so many milliseconds on a request is costly.
const COSTLY_MS: u64 = 1000;

impl RouteMerit {
    /// Of a request with this status that took so long, as far as the log says either.
    pub(super) fn of(status: Option<u16>, took_ms: Option<u64>) -> RouteMerit {
        match status {
            Some(500..) => RouteMerit::Costly,
            _ if took_ms.is_some_and(|took| took >= COSTLY_MS) => RouteMerit::Costly,
            Some(400..=498) => RouteMerit::Refused,
            _ => RouteMerit::Answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RouteMerit;

    #[test]
    fn a_request_earns_by_its_answer_and_its_time() {
        for (status, took, merit) in [
            (Some(404), Some(3), RouteMerit::Refused),
            (Some(404), Some(1000), RouteMerit::Costly),
            (Some(499), Some(3), RouteMerit::Answered),
            (Some(301), None, RouteMerit::Answered),
            (Some(503), None, RouteMerit::Costly),
            (None, None, RouteMerit::Answered),
        ] {
            assert_eq!(RouteMerit::of(status, took), merit, "{status:?} {took:?}");
        }
    }
}
