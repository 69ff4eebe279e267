//! The general-purpose registers that software switches.
#![forbid(unsafe_code)]

/// Register numbers as instructions encode them (Intel SDM vol. 2A, section 2.2.1.2).
#[allow(missing_docs, reason = "the names are the registers'")]
pub mod reg {
    pub const RAX: usize = 0;
    pub const RCX: usize = 1;
    pub const RDX: usize = 2;
    pub const RBX: usize = 3;
    pub const RSP: usize = 4;
    pub const RBP: usize = 5;
    pub const RSI: usize = 6;
    pub const RDI: usize = 7;
    pub const R8: usize = 8;
    pub const R9: usize = 9;
    pub const R10: usize = 10;
    pub const R11: usize = 11;
    pub const R12: usize = 12;
    pub const R13: usize = 13;
    pub const R14: usize = 14;
    pub const R15: usize = 15;
}

/// The sixteen registers by number. RSP is a placeholder: the backend's control structure holds the guest's.
#[derive(Clone, Debug, Default)]
#[repr(transparent)]
pub struct Gprs([u64; 16]);

impl Gprs {
    /// Byte offset of register `number`, for the world switch.
    #[must_use]
    pub const fn offset(number: usize) -> usize {
        number * size_of::<u64>()
    }

    /// Register `number` (the low four bits count).
    #[inline(always)]
    #[must_use]
    pub const fn get(&self, number: usize) -> u64 {
        self.0[number & 15]
    }

    /// Sets register `number` (the low four bits count).
    #[inline(always)]
    pub const fn set(&mut self, number: usize, value: u64) {
        self.0[number & 15] = value;
    }
}
