//! How senders find an APIC: its IDs and addressing model, published by the owner for everybody.

use core::sync::atomic::{AtomicU64, Ordering};

use super::Destination;

const ADDRESSING_SHIFT: u32 = 32;
const ACCEPTS: u64 = 1 << 34;

/// The addressing model of an APIC ("Logical Destination Mode", "Logical Destination Mode in x2APIC Mode").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Globally disabled: no message reaches it.
    Disabled = 0,
    /// xAPIC, flat model: eight logical IDs, one bit each.
    Flat = 1,
    /// xAPIC, cluster model: bits 7:4 name a cluster, bits 3:0 its members.
    Cluster = 2,
    /// x2APIC: bits 31:16 name a cluster, bits 15:0 its members.
    X2Apic = 3,
}

/// One consistent reading of an [`ApicAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressView {
    /// The addressing model.
    pub addressing: Addressing,
    /// 8 bits in xAPIC mode, 32 bits in x2APIC mode.
    pub logical_id: u32,
    /// Software-enabled: takes part in lowest-priority arbitration.
    pub accepts_interrupts: bool,
}

/// The published address of one local APIC.
///
/// The mutable part is one atomic word, so that a sender never combines the logical ID of one mode with the addressing
/// model of another. Stores are `Release`, loads `Acquire`: whoever learnt from the guest's memory that the address
/// changed also sees the new one.
#[derive(Debug)]
pub struct ApicAddress {
    id: u32,
    state: AtomicU64,
}

impl ApicAddress {
    /// The address of the APIC `id` after power-up: xAPIC mode, flat model, logical ID 0, software-disabled.
    pub const fn new(id: u32) -> Self {
        Self { id, state: AtomicU64::new((Addressing::Flat as u64) << ADDRESSING_SHIFT) }
    }

    /// The APIC ID.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Makes `view` visible to senders. Only the owner of the APIC calls this.
    pub fn store(&self, view: AddressView) {
        let accepts = if view.accepts_interrupts { ACCEPTS } else { 0 };
        let state = u64::from(view.logical_id) | (view.addressing as u64) << ADDRESSING_SHIFT | accepts;
        self.state.store(state, Ordering::Release);
    }

    /// What the owner published last.
    pub fn load(&self) -> AddressView {
        let state = self.state.load(Ordering::Acquire);
        let addressing = match state >> ADDRESSING_SHIFT & 3 {
            0 => Addressing::Disabled,
            1 => Addressing::Flat,
            2 => Addressing::Cluster,
            _ => Addressing::X2Apic,
        };
        let logical_id = (state & 0xffff_ffff) as u32;
        AddressView { addressing, logical_id, accepts_interrupts: state & ACCEPTS != 0 }
    }
}

impl AsRef<ApicAddress> for ApicAddress {
    fn as_ref(&self) -> &ApicAddress {
        self
    }
}

impl Destination {
    /// Whether a message for this destination reaches the APIC at `address`.
    ///
    /// The two shorthands that depend on the sender match every enabled APIC here; [`resolve`](super::resolve) knows
    /// the sender.
    pub fn matches(self, address: &ApicAddress) -> bool {
        let view = address.load();
        if view.addressing == Addressing::Disabled {
            return false;
        }
        match self {
            Self::Physical(id) => id == address.id,
            Self::Logical(destination) => view.matches_logical(destination),
            Self::Broadcast | Self::AllButSender | Self::Sender => true,
        }
    }
}

impl AddressView {
    fn matches_logical(self, destination: u32) -> bool {
        let members = destination & self.logical_id;
        match self.addressing {
            Addressing::Disabled => false,
            Addressing::Flat => destination <= 0xff && members != 0,
            Addressing::Cluster => destination >> 4 == self.logical_id >> 4 && members & 0xf != 0,
            Addressing::X2Apic => destination >> 16 == self.logical_id >> 16 && members & 0xffff != 0,
        }
    }
}
