//! The error status register ("Error Handling", figure "Error Status Register (ESR)").

/// Bit 5: the vector of a message that this APIC was told to send is below 16.
pub(super) const SEND_ILLEGAL_VECTOR: u32 = 1 << 5;
/// Bit 6: the vector of a message that came in, or of a local interrupt, is below 16.
pub(super) const RECEIVE_ILLEGAL_VECTOR: u32 = 1 << 6;
/// Bit 7: an access to a reserved register in xAPIC mode.
pub(super) const ILLEGAL_REGISTER: u32 = 1 << 7;

/// The errors since the last write of the ESR, and whether one more may interrupt. The page holds the ESR itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorStatus {
    detected: u32,
    armed: bool,
}

impl ErrorStatus {
    /// No errors, interrupt armed.
    pub(super) const fn new() -> Self {
        Self { detected: 0, armed: true }
    }

    /// A write of any value: rearms the error interrupt, and returns what the ESR shows from now on.
    pub(super) fn latch(&mut self) -> u32 {
        core::mem::replace(self, Self::new()).detected
    }

    /// Collects error bits; software sees them after the next write.
    pub(super) fn detect(&mut self, bits: u32) {
        self.detected |= bits;
    }

    /// Whether an error interrupt may be generated; one only between two writes of the ESR.
    pub(super) fn take_trigger(&mut self) -> bool {
        core::mem::take(&mut self.armed)
    }
}
