//! An event as graphite-web takes it: `POST /events/ {"what","tags","data","when"}`.

use serde::Serialize;

use super::episodes::RouteEpisode;
use super::plain_http::encoded;
use super::range_rule::EpisodeCause;
use crate::error::Result;
use crate::route::readable_name;

/// What an event says beside the episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWords {
    /// This host's name in metrics.
    pub host: String,
    /// Where the page is: `http://web1:8417`; nothing if it is served nowhere.
    pub page: Option<String>,
    /// What a command begins with after its name: ` --config x.toml`.
    pub command_options: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GraphiteEvent {
    /// What happened, in a line.
    pub what: String,
    /// By which it is found: no tag holds a space, at which graphite-web would split it.
    pub tags: Vec<String>,
    /// The link and the command that lead to the lines.
    pub data: String,
    /// Seconds since the epoch: when the episode began.
    pub when: i64,
}

impl EventWords {
    /// The event of an episode.
    pub fn event(&self, found: &RouteEpisode) -> GraphiteEvent {
        let RouteEpisode { route, episode } = found;
        let (shown, worst, usual) = (readable_name(route), episode.worst, episode.usual);
        let what = match episode.cause {
            EpisodeCause::Slow => format!("{shown} is slow: p95 {worst} ms, usually {usual} ms"),
            EpisodeCause::Failing => {
                format!("{shown} fails: {} % of its requests, usually {} %", per_cent(worst), per_cent(usual))
            }
        };
        let cause = match episode.cause {
            EpisodeCause::Slow => "slow",
            EpisodeCause::Failing => "failing",
        };
        let tags =
            vec!["spikeline".to_owned(), cause.to_owned(), format!("host:{}", self.host), format!("route:{route}")];
        let data = match self.link(found) {
            Some(link) => format!("{link}\n{}", self.command(found)),
            None => self.command(found),
        };
        GraphiteEvent { what, tags, data, when: episode.from.0.div_euclid(1000) }
    }

    /// The page's view of it.
    pub fn link(&self, found: &RouteEpisode) -> Option<String> {
        let RouteEpisode { route, episode } = found;
        let page = self.page.as_deref()?.trim_end_matches('/');
        Some(format!("{page}/at?m={}&from={}&to={}", encoded(route), episode.from.0, episode.until.0))
    }

    /// The command that prints the lines behind it.
    pub fn command(&self, found: &RouteEpisode) -> String {
        let RouteEpisode { route, episode } = found;
        let time = |text: String| text.replace(".000Z", "Z");
        let what = match episode.cause {
            EpisodeCause::Slow => " --sort duration",
            EpisodeCause::Failing => " --status 5xx",
        };
        format!(
            "spikeline lines{} --route {route} --from {} --until {}{what}",
            self.command_options,
            time(episode.from.to_string()),
            time(episode.until.to_string())
        )
    }
}

impl GraphiteEvent {
    /// Its JSON.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| crate::error::Error::failed(format!("cannot write JSON: {error}")))
    }
}

/// Thousandths as per cent.
fn per_cent(per_mille: u64) -> String {
    format!("{}.{}", per_mille / 10, per_mille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Episode;
    use crate::time::Timestamp;

    #[test]
    fn an_event_says_what_and_leads_to_the_lines() {
        let from = Timestamp::from_secs(1_322_661_900);
        let until = Timestamp::from_secs(1_322_662_020);
        let episode = Episode { from, told: until, until, cause: EpisodeCause::Slow, worst: 3327, usual: 44 };
        let found = RouteEpisode { route: "webapp.backend.git".to_owned(), episode };
        let words = EventWords {
            host: "web1".to_owned(),
            page: Some("http://web1:8417/".to_owned()),
            command_options: " --config s.toml".to_owned(),
        };
        let event = words.event(&found);
        assert_eq!(event.what, "webapp.backend.git is slow: p95 3327 ms, usually 44 ms");
        assert_eq!(event.tags, ["spikeline", "slow", "host:web1", "route:webapp.backend.git"]);
        assert_eq!(
            event.data,
            "http://web1:8417/at?m=webapp.backend.git&from=1322661900000&to=1322662020000\n\
             spikeline lines --config s.toml --route webapp.backend.git --from 2011-11-30T14:05:00Z --until 2011-11-30T14:07:00Z --sort duration"
        );
        assert!(event.json().unwrap().starts_with("{\"what\":\"webapp.backend.git is slow"));
    }
}
