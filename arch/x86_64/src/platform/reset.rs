//! The two ways in which a PC resets itself: the reset control register and the keyboard controller's pulse.

use super::Effect;

const SYSTEM_RESET: u8 = 1 << 1;
const RESET_CPU: u8 = 1 << 2;
const FULL_RESET: u8 = 1 << 3;

/// The reset control register at port 0xcf9 (Intel I/O controller hub datasheets, "RST_CNT"). One byte wide.
#[derive(Clone, Debug, Default)]
pub struct ResetControl {
    value: u8,
}

impl ResetControl {
    /// The register.
    #[must_use]
    pub const fn read(&self) -> u8 {
        self.value
    }

    /// A rising edge of bit 2 resets; bits 1 and 3 choose between kinds of reset that are one here.
    #[must_use]
    pub const fn write(&mut self, value: u8) -> Option<Effect> {
        let rises = value & !self.value & RESET_CPU != 0;
        self.value = value & (SYSTEM_RESET | RESET_CPU | FULL_RESET);
        if rises { Some(Effect::Reset) } else { None }
    }
}

/// What is left of the keyboard controller: an idle status, no data, and the command that pulses the reset line.
pub mod keyboard_controller {
    use super::Effect;

    /// Offset of the status and command port from the data port.
    pub const COMMAND: u8 = 4;
    /// Commands 0xf0 to 0xff pulse the output lines whose bit is 0; line 0 is the processor's reset.
    const PULSE: u8 = 0xf0;
    const RESET_LINE: u8 = 1 << 0;

    /// Reads the status (0: nothing pending, ready for a command) or the data port (0xff: nobody answers).
    #[must_use]
    pub const fn read(offset: u8) -> u8 {
        if offset == COMMAND { 0 } else { 0xff }
    }

    /// Writes a command; everything but the reset pulse is dropped.
    #[must_use]
    pub const fn write(offset: u8, value: u8) -> Option<Effect> {
        let pulses_reset = value & PULSE == PULSE && value & RESET_LINE == 0;
        if offset == COMMAND && pulses_reset { Some(Effect::Reset) } else { None }
    }
}
