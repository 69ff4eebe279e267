//! Preparation: each command makes sure of what it needs, downloads it once, and says so.

pub(crate) mod apt;
pub(crate) mod boards;
pub(crate) mod bochs;
pub(crate) mod busybox;
mod download;
pub(crate) mod host;
pub(crate) mod install;
pub(crate) mod kernels;
mod mirror;
pub(crate) mod rust;
pub(crate) mod rust_src;
pub(crate) mod tools;
