//! Interrupt messages: who is to get what ("Interrupt Command Register", "Determining IPI Destination").

use super::Mode;

/// An interrupt message of a local APIC or an IO-APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who is addressed.
    pub destination: Destination,
    /// What arrives there.
    pub delivery: Delivery,
}

/// The addressees of a message: a destination field or a shorthand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The APIC with this ID.
    Physical(u32),
    /// The APICs whose logical ID matches this message destination address.
    Logical(u32),
    /// Every APIC, the sender included (all ones in either mode, or the shorthand).
    Broadcast,
    /// The shorthand "all excluding self".
    AllButSender,
    /// The shorthand "self".
    Sender,
}

/// The delivery mode with its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// To all addressees. `level`: trigger mode, only from an IO-APIC.
    Fixed {
        /// The vector.
        vector: u8,
        /// Level-triggered.
        level: bool,
    },
    /// To one of the addressees. `level`: trigger mode, only from an IO-APIC.
    LowestPriority {
        /// The vector.
        vector: u8,
        /// Level-triggered.
        level: bool,
    },
    /// System-management interrupt.
    Smi,
    /// Non-maskable interrupt.
    Nmi,
    /// INIT: the addressees reset and wait for a start-up IPI.
    Init,
    /// Start-up IPI: execution begins at the 4 KiB page `vector`.
    Startup {
        /// The page number: CS selector = vector << 8.
        vector: u8,
    },
    /// An interrupt of an external 8259A-compatible controller.
    ExtInt,
}

impl Destination {
    /// An 8-bit destination field, as of xAPIC mode and the IO-APIC.
    pub const fn from_8_bits(logical: bool, id: u8) -> Self {
        match (logical, id) {
            (_, 0xff) => Self::Broadcast,
            (true, _) => Self::Logical(id as u32),
            (false, _) => Self::Physical(id as u32),
        }
    }

    /// A 32-bit destination field, as of x2APIC mode.
    pub const fn from_32_bits(logical: bool, id: u32) -> Self {
        match (logical, id) {
            (_, u32::MAX) => Self::Broadcast,
            (true, _) => Self::Logical(id),
            (false, _) => Self::Physical(id),
        }
    }
}

impl Message {
    /// Decodes the ICR. `None` when it describes nothing that is sent: a reserved delivery mode, or INIT level
    /// de-assert (without effect since the Pentium 4).
    ///
    /// The trigger mode of all other IPIs is edge. Shorthands with delivery modes that the table "Valid Combinations"
    /// leaves undefined are sent as they stand.
    pub(super) fn from_icr(low: u32, high: u32, mode: Mode) -> Option<Self> {
        let vector = (low & 0xff) as u8;
        let logical = low & 1 << 11 != 0;
        let deassert = low & (1 << 14 | 1 << 15) == 1 << 15;
        let destination = match (low >> 18 & 3, mode) {
            (0, Mode::X2Apic) => Destination::from_32_bits(logical, high),
            (0, _) => Destination::from_8_bits(logical, (high >> 24 & 0xff) as u8),
            (1, _) => Destination::Sender,
            (2, _) => Destination::Broadcast,
            _ => Destination::AllButSender,
        };
        let delivery = match low >> 8 & 7 {
            0 => Delivery::Fixed { vector, level: false },
            1 => Delivery::LowestPriority { vector, level: false },
            2 => Delivery::Smi,
            4 => Delivery::Nmi,
            5 if !deassert => Delivery::Init,
            6 => Delivery::Startup { vector },
            _ => return None,
        };
        Some(Self { destination, delivery })
    }
}
