//! A disk that fails, tears, forgets and turns bits.

mod bit_flips;
mod crashes;
mod failing_calls;
mod faults;
mod power_loss;
