//! What a block's summary says of its rejected lines depends on the lines, not on where reading was cut or begun again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use spikeline::grammar::{Escape, Format};
use spikeline::pipeline::{CommitBuilder, Interpreter, Interpreting, RowCollector, SlotSettings};
use spikeline::record::Needs;
use spikeline::route::{Router, Routes};
use spikeline::source::GenerationId;
use spikeline::store::BlockSummary;
use spikeline::time::Timestamp;

const LOG: GenerationId = GenerationId(0);

type Summaries = BTreeMap<(GenerationId, u32), BlockSummary>;

const SETTINGS: SlotSettings = SlotSettings { interval: Duration::from_secs(10), slowest: 5, server_errors: true };

/// Count lines in parts of `cut` lines, beginning anew (as after a restart) after every `restart` parts.
fn summaries(lines: &[String], cut: usize, restart: usize) -> Summaries {
    let format = Format::compile("test", "$msec $request_time $status \"$request\"", Escape::Default).unwrap();
    let routes = Arc::new(Routes::restore(2000, Vec::new()));
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).unwrap()),
        routes,
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    let mut interpreter = Interpreter::new(&format, Needs::latency(), &with).unwrap();
    let (mut slots, mut found, mut offset) = (RowCollector::new(SETTINGS), Summaries::new(), 0);
    for (part, lines) in lines.chunks(cut).enumerate() {
        if part % restart == 0 {
            let open: Vec<BlockSummary> = found.values().next_back().cloned().into_iter().collect();
            slots = RowCollector::resume(SETTINGS, &open);
        }
        let bytes = lines.concat().into_bytes();
        slots.collect_block(&mut interpreter, LOG, offset, &bytes, Timestamp(i64::MIN));
        offset += bytes.len() as u64;
        for block in CommitBuilder::new(SETTINGS).build(slots.hand_over()).0.blocks {
            found.entry(block.key()).or_insert_with(|| BlockSummary::empty(LOG, block.number)).merge(&block);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_does_not_matter_where_reading_is_cut(
        ends in prop::collection::vec((0i64..500, prop::bool::weighted(0.2), 0usize..3000), 1..400),
        cut in 1usize..50, restart in 1usize..10,
    ) {
        let lines: Vec<String> = ends.iter().enumerate().map(|(n, (jitter, reject, length))| {
            let end = 1_322_661_900_000 + i64::try_from(n).unwrap() * 100 + jitter;
            let target = "x".repeat(*length);
            match reject {
                true => format!("torn {target}\n"),
                false => format!("{}.{:03} 0.010 200 \"GET /{target} HTTP/1.1\"\n", end / 1000, end % 1000),
            }
        }).collect();
        let whole = summaries(&lines, usize::MAX, 1);
        let rejected: u32 = whole.values().filter_map(|block| block.rejects).map(|rejects| rejects.rejected).sum();
        prop_assert_eq!(rejected as usize, ends.iter().filter(|line| line.1).count());
        prop_assert_eq!(summaries(&lines, cut, restart), whole);
    }
}
