//! `spikeline events`: the episodes in which a route left its usual range; posted to Graphite, or only shown.

use std::io::Write;

use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::EventsArguments;
use crate::cli::input::context::Context;
use crate::cli::input::event_settings::{event_words, told_graphite};
use crate::error::{Error, Result};
use crate::events::{EpisodeCause, EpisodeScan, EventPosting, EventWords, RouteEpisode, post_once};
use crate::report::{EpisodeRow, EpochSeconds, Report, counted, write};
use crate::time::Window;

pub(super) fn events(context: &Context, arguments: &EventsArguments) -> Result<Answer> {
    let graphite = told_graphite(context)?;
    if graphite.is_none() && !arguments.dry_run {
        return Err(Error::usage("no Graphite is told of events").remedy(
            "name it with `graphite = \"http://HOST:PORT\"` in [events], or give --dry-run to see what would be posted",
        ));
    }
    let window = window::open_window(&arguments.since, context.now)?;
    let window = Window { until: context.now, ..window };
    let (view, words) = (context.view()?, event_words(context, None)?);
    let found = EpisodeScan::of_window(&view, window)?;
    let missing = completeness::missing(&view, window, view.totals_expired_before(window), context.now)?;
    let rows: Vec<EpisodeRow> = found.iter().map(|found| row(found, &words)).collect();
    let report = Report { missing: missing.clone(), ..Report::new(rows, Some(window)) };
    let mut out = stdout();
    written(write(&report, arguments.format.into(), style(), &mut out))?;
    written(out.flush())?;
    if let Some(graphite) = graphite.filter(|_| !arguments.dry_run) {
        let mut posted = 0;
        for episode in &found {
            posted += usize::from(post_once(&graphite, &words.event(episode), true)? == EventPosting::Posted);
        }
        let there = match found.len() - posted {
            0 => String::new(),
            there => format!("; {there} were there"),
        };
        say(&format!("{} posted to {}{there}", counted(posted as u64, "event"), graphite.authority()));
    }
    completeness::conclude(&view, &missing);
    Ok(Answer::from_found(!found.is_empty(), &missing))
}

fn row(found: &RouteEpisode, words: &EventWords) -> EpisodeRow {
    let RouteEpisode { route, episode } = found;
    EpisodeRow {
        from: EpochSeconds(episode.from),
        until: EpochSeconds(episode.until),
        route: route.clone(),
        cause: match episode.cause {
            EpisodeCause::Slow => "slow",
            EpisodeCause::Failing => "failing",
        },
        worst: episode.worst,
        usual: episode.usual,
        what: words.event(found).what,
        link: words.link(found),
        command: words.command(found),
    }
}
