//! Which device a port belongs to.

/// A device of the virtual PC behind I/O ports, with the offset from its first port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortDevice {
    /// 0x60 and 0x64: where the keyboard controller would be.
    KeyboardController {
        /// 0 or 4.
        offset: u8,
    },
    /// 0x70 and 0x71: CMOS and real-time clock.
    Rtc {
        /// 0 = index, 1 = data.
        offset: u8,
    },
    /// 0x3f8 to 0x3ff: the first serial port.
    Com1 {
        /// Register.
        offset: u8,
    },
    /// 0x600 to 0x605: ACPI PM1 event and control.
    AcpiPm {
        /// Byte.
        offset: u8,
    },
    /// 0x608 to 0x60b: ACPI PM timer.
    PmTimer {
        /// Byte.
        offset: u8,
    },
    /// 0xcf9: reset control.
    ResetControl,
}

impl PortDevice {
    /// The device behind `port`; `None` where nothing is: reads are all-ones, writes are dropped.
    ///
    /// The access size is the device's business. All but the PM blocks are one byte wide, so the bus splits a wider
    /// access into bytes.
    #[inline]
    #[must_use]
    pub const fn of(port: u16) -> Option<Self> {
        let offset = (port & 7) as u8;
        Some(match port {
            0x60 | 0x64 => Self::KeyboardController { offset },
            0x70 | 0x71 => Self::Rtc { offset },
            0x3f8..=0x3ff => Self::Com1 { offset },
            0x600..=0x605 => Self::AcpiPm { offset },
            0x608..=0x60b => Self::PmTimer { offset },
            0xcf9 => Self::ResetControl,
            _ => return None,
        })
    }
}
