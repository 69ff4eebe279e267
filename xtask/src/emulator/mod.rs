//! The emulated machine: its command line, its process, what it prints, and how it ended.

pub(crate) mod child;
pub(crate) mod machine;
pub(crate) mod outcome;
mod pin;
mod socket;
pub(crate) mod transcript;
