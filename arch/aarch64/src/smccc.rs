//! Calls by `hvc #0` and `smc #0` (DEN 0028, SMC Calling Convention 1.1).
//!
//! | functions | where |
//! |---|---|
//! | 0x8000_0000 | SMCCC_VERSION, SMCCC_ARCH_FEATURES: here |
//! | 0x8400_0000, 0xc400_0000 | [`crate::psci`] |
//! | 0x8600_ff01 | who the hypervisor is: here |
//!
//! [`call`] is pure and total: it decides, the caller does. Every other function is answered with NOT_SUPPORTED.
//! Registers that an [`Answer`] does not name stay as they are.
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use phalanx_arch_api::{Gpa, VcpuIndex};

use crate::psci;

/// SUCCESS.
pub const SUCCESS: u64 = 0;
/// NOT_SUPPORTED: in X0 and, for a caller of 32 bits, in W0.
pub const NOT_SUPPORTED: u64 = error(-1);

/// SMCCC_VERSION.
pub(crate) const VERSION: u32 = 0x8000_0000;
/// SMCCC_ARCH_FEATURES.
const ARCH_FEATURES: u32 = 0x8000_0001;
/// Vendor-specific hypervisor service: its UUID.
const HYPERVISOR_UUID: u32 = 0x8600_ff01;

/// The convention's version, 1.1.
const VERSION_1_1: u64 = 0x1_0001;
/// Bit 30 of a function: arguments and result have 64 bits.
pub(crate) const WIDE: u32 = 1 << 30;
/// Bits 31 and 29 to 24 of a function: a fast call, and its owner.
const OWNER: u32 = 0xbf00_0000;
/// The owner "standard secure service", with PSCI in its lowest functions.
const STANDARD_SERVICE: u32 = 0x8400_0000;

/// The UUID of Phalanx, 5e2c41d3-9b70-4f86-a1d8-07f6c39e5ab4, as DEN 0028 spreads it over W0 to W3: the bytes in the
/// order of the text, the first in the lowest bits of W0.
pub const UUID: [u64; 4] = [0xd341_2c5e, 0x864f_709b, 0xf607_d8a1, 0xb45a_9ec3];

/// Whether a vCPU is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerState {
    /// Off.
    Off,
    /// Somebody turned it on, and it has not begun yet.
    Pending,
    /// On.
    On,
}

/// What a call needs to know of the domain.
pub trait PowerView {
    /// Number of vCPUs.
    fn vcpus(&self) -> usize;

    /// Whether a vCPU, below [`PowerView::vcpus`], is on.
    fn power(&self, vcpu: VcpuIndex) -> PowerState;

    /// Whether there is RAM at an address.
    fn is_ram(&self, address: Gpa) -> bool;
}

/// What follows from a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// X0. An error is sign-extended: right for callers of 32 bits, who look at W0, and of 64.
    Return(u64),
    /// X0 to X3.
    ReturnWords([u64; 4]),
    /// Turn a vCPU on, then return SUCCESS; or ALREADY_ON or ON_PENDING where another was faster.
    CpuOn {
        /// Which.
        vcpu: VcpuIndex,
        /// Its first instruction.
        entry: u64,
        /// Its X0.
        context: u64,
    },
    /// Turn the caller off. It does not return.
    CpuOff,
    /// Wait as WFI does, then return SUCCESS.
    Suspend,
    /// Switch the domain off.
    SystemOff,
    /// Reset the domain.
    SystemReset,
}

/// The answer to a function from which nothing follows and which guests call for its own sake, to be had first and
/// inline: PSCI_VERSION.
#[inline(always)]
#[must_use]
pub const fn quick(function: u64) -> Option<u64> {
    if low(function) == psci::VERSION { Some(psci::VERSION_1_1) } else { None }
}

/// Answers a call: X0, of which the lower half names the function, and X1 to X3.
pub fn call(function: u64, arguments: [u64; 3], view: &impl PowerView) -> Answer {
    let function = low(function);
    let [first, ..] = arguments;
    match function {
        VERSION => Answer::Return(VERSION_1_1),
        ARCH_FEATURES => Answer::Return(arch_features(low(first))),
        HYPERVISOR_UUID => Answer::ReturnWords(UUID),
        _ if function & OWNER == STANDARD_SERVICE => psci::call(function, arguments, view),
        _ => Answer::Return(NOT_SUPPORTED),
    }
}

/// SMCCC_ARCH_FEATURES. The workarounds of speculation attacks are not offered: they are firmware's.
const fn arch_features(function: u32) -> u64 {
    match function {
        VERSION | ARCH_FEATURES => SUCCESS,
        _ => NOT_SUPPORTED,
    }
}

/// An error code in X0: sign-extended, so that W0 has it too.
pub(crate) const fn error(code: i64) -> u64 {
    code.cast_unsigned()
}

/// The lower half of a register.
pub(crate) const fn low(register: u64) -> u32 {
    (register & 0xffff_ffff) as u32
}

#[cfg(test)]
pub(crate) mod tests;
