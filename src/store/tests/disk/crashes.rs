//! Loss of power at any point of a random history: what was committed is there, and nothing else.

use crate::store::tests::support::memory_medium::Memory;
use crate::store::tests::support::traffic::{Dice, answers, commit, eager, lines, settings, state};
use crate::store::*;
use crate::time::Timestamp;
use proptest::prelude::*;
use std::sync::Arc;

const AT: i64 = 1_322_662_000_000;

fn open(memory: &Memory) -> Writer {
    Writer::open_on(Arc::new(memory.clone()), settings()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn fault_27_power_loss_equals_an_uninterrupted_run(seed in 1u64..) {
        let mut dice = Dice(seed);
        let lines = lines(240, &mut dice);
        let mut plain = open(&Memory::default());
        let mut memory = Memory::default();
        let mut writer = open(&memory);
        for batch in lines.chunks(12) {
            plain.commit(&mut commit(batch, AT)).unwrap();
            // Crashes while it is committed or sealed: at the n-th call the power goes.
            loop {
                let at = dice.up_to(14);
                memory.fail_at(at + 1, crate::store::tests::support::memory_medium::Fault::Onwards(std::io::ErrorKind::Other));
                let committed = writer.commit(&mut commit(batch, AT)).is_ok();
                if committed && dice.roll(3) == 0 {
                    let _interrupted = writer.seal();
                }
                if committed && dice.roll(3) == 0 {
                    writer.maintenance.limits = eager();
                    let _interrupted = writer.maintain(Timestamp(AT), false);
                }
                if dice.roll(2) == 0 || !committed {
                    memory = memory.crash(&mut |most| dice.up_to(most));
                    writer = open(&memory);
                } else {
                    memory.mend();
                }
                if committed || state(writer.view()) == state(plain.view()) {
                    break;
                }
            }
            prop_assert_eq!(state(writer.view()), state(plain.view()));
        }
        prop_assert_eq!(answers(writer.view()), answers(plain.view()));
        prop_assert_eq!(answers(&View::open_on(Arc::new(memory.clone())).unwrap()), answers(plain.view()));
        // No leftovers: the manifest, the journal, and the segments that are listed.
        drop(writer);
        let listed = open(&memory).view().sealed.len();
        prop_assert_eq!(memory.names().len(), 2 + listed, "{:?}", memory.names());
    }
}
