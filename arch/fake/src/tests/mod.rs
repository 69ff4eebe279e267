//! The simulated machine itself.

mod encoding;
mod time;
