//! The store's folder: the names of its files, every operation on them, the lock, and what is said when one is damaged.
//!
//! All that reads or writes a file of the store goes through [`medium`], so that tests can let it fail. It calls no other
//! floor.

pub(crate) mod access;
pub(crate) mod damage;
pub(crate) mod disk_medium;
pub(crate) mod folder;
pub(crate) mod layout;
pub(crate) mod lock;
pub(crate) mod medium;
pub(crate) mod private_folder;
