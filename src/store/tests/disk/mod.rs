//! A disk that fails, tears, forgets and turns bits.

mod bit_flips;
mod crashes;
mod damaged_journal;
mod failing_calls;
mod faults;
mod old_versions;
mod power_loss;
