//! Host tests of the CPUID policy.

mod features;
mod hosts;
mod shape;
