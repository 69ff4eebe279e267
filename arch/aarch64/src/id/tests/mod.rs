//! The policy against recorded processors, and against any.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

pub(crate) mod hosts;
mod shape;
mod values;
