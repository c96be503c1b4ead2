//! A disk that fails, tears, forgets and turns bits.

mod bit_flips;
mod crashes;
mod damaged_journal;
mod failing_calls;
mod faults;
mod power_loss;
