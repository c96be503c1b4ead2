//! What the tests of the whole program share.

pub mod log;
pub mod nobody;
pub mod program;

/// A [`program::Folder`] for the program that this test was built with. A macro, since cargo says only to the test itself
/// where the program is.
#[macro_export]
macro_rules! folder {
    () => {
        $crate::program::Folder::new(env!("CARGO_BIN_EXE_spikeline"))
    };
}
