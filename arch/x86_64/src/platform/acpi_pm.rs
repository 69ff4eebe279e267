//! ACPI PM1 event and control registers (ACPI 6.5, 4.8.3).
//!
//! | offset | register | behaviour |
//! |---|---|---|
//! | 0, 2 bytes | PM1 status | 0: no button, no timer status; writing ones clears what is not set |
//! | 2, 2 bytes | PM1 enable | keeps the enable bits |
//! | 4, 2 bytes | PM1 control | SCI_EN reads 1; SLP_EN with the S5 type switches off |
//!
//! There is no SMI_CMD, so the machine is in ACPI mode from the start. No event ever becomes pending, so the SCI is
//! never raised.

use phalanx_arch_api::AccessSize;

use super::Effect;

/// SLP_TYP of `\_S5`.
pub const S5_SLEEP_TYPE: u16 = 5;
/// Bytes of the register block.
pub const LENGTH: u8 = 6;

const ENABLE_OFFSET: u8 = 2;
const CONTROL_OFFSET: u8 = 4;
/// TMR_EN, GBL_EN, PWRBTN_EN, SLPBTN_EN, RTC_EN.
const ENABLE_BITS: u16 = 1 << 0 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 10;
const SCI_EN: u16 = 1 << 0;
const BM_RLD: u16 = 1 << 1;
const SLP_TYP_SHIFT: u16 = 10;
const SLP_TYP: u16 = 7 << SLP_TYP_SHIFT;
const SLP_EN: u16 = 1 << 13;
/// The two bytes behind PM1 control.
const PAST_THE_BLOCK: u64 = 0xffff << 48;

/// The register block.
#[derive(Clone, Debug, Default)]
pub struct AcpiPm {
    enable: u16,
    control: u16,
}

impl AcpiPm {
    /// Reads `size` bytes from `offset`; those past the block are 0xff.
    #[must_use]
    pub const fn read(&self, offset: u8, size: AccessSize) -> u64 {
        if offset >= LENGTH {
            return size.all_ones();
        }
        let registers = (self.enable as u64) << 16 | ((self.control | SCI_EN) as u64) << 32;
        // Shifted as its complement, so that ones come in from above.
        let past = !(registers | PAST_THE_BLOCK) >> (8 * offset as u32);
        !past & size.all_ones()
    }

    /// Writes `size` bytes at `offset`, from low to high; those past the block are dropped.
    #[must_use]
    pub fn write(&mut self, offset: u8, size: AccessSize, value: u64) -> Option<Effect> {
        let bytes = value.to_le_bytes().into_iter().take(size.bytes() as usize);
        let mut effect = None;
        for (byte, value) in (offset..LENGTH).zip(bytes) {
            effect = self.write_byte(byte, value).or(effect);
        }
        effect
    }

    const fn write_byte(&mut self, offset: u8, value: u8) -> Option<Effect> {
        match offset {
            ENABLE_OFFSET..CONTROL_OFFSET => {
                self.enable = merge(self.enable, offset, value) & ENABLE_BITS;
                None
            }
            CONTROL_OFFSET..LENGTH => self.write_control(merge(self.control, offset, value)),
            _ => None,
        }
    }

    /// SLP_EN reads as 0. Sleep types other than S5 are not announced and do nothing.
    const fn write_control(&mut self, value: u16) -> Option<Effect> {
        self.control = value & (BM_RLD | SLP_TYP);
        let sleep_type = (value & SLP_TYP) >> SLP_TYP_SHIFT;
        if value & SLP_EN != 0 && sleep_type == S5_SLEEP_TYPE {
            return Some(Effect::PowerOff);
        }
        None
    }
}

/// `word` with its byte at an even or odd `offset` replaced.
const fn merge(word: u16, offset: u8, value: u8) -> u16 {
    let [low, high] = word.to_le_bytes();
    if offset & 1 == 0 { u16::from_le_bytes([value, high]) } else { u16::from_le_bytes([low, value]) }
}
