//! How a real-time clock writes its numbers, as status B says.

/// Status B bit 2: binary numbers instead of BCD.
pub(super) const B_BINARY: u8 = 1 << 2;
/// Status B bit 1: hours from 0 to 23.
pub(super) const B_24_HOURS: u8 = 1 << 1;
/// In the hours: afternoon, on a dial of 12.
const HOURS_PM: u8 = 1 << 7;

/// Status B.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format(pub(super) u8);

impl Format {
    /// A number below 100 as a register holds it.
    pub(super) const fn encode(self, number: u8) -> u8 {
        if self.0 & B_BINARY != 0 {
            return number;
        }
        number / 10 % 10 * 16 + number % 10
    }

    /// The number in a register.
    pub(super) const fn decode(self, value: u8) -> u8 {
        if self.0 & B_BINARY != 0 { value } else { (value >> 4) * 10 + (value & 0xf) }
    }

    /// An hour from 0 to 23.
    pub(super) const fn encode_hour(self, hour: u8) -> u8 {
        if self.0 & B_24_HOURS != 0 {
            return self.encode(hour);
        }
        let on_dial = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
        self.encode(on_dial) | if hour >= 12 { HOURS_PM } else { 0 }
    }

    /// The hour in a register.
    pub(super) const fn decode_hour(self, value: u8) -> u8 {
        if self.0 & B_24_HOURS != 0 {
            return self.decode(value);
        }
        let afternoon = if value & HOURS_PM != 0 { 12 } else { 0 };
        self.decode(value & !HOURS_PM) % 12 + afternoon
    }
}
