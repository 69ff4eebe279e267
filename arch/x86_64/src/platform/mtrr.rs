//! Memory-type range registers and PAT as a guest programs them (Intel SDM vol. 3A, 12.11 and 12.12).
//!
//! They are kept, checked and read back. Guest RAM is write-back in the second-level tables and the guest's own PAT
//! narrows that, so the ranges change nothing else.

/// IA32_MTRRCAP.
pub const MTRRCAP: u32 = 0xfe;
/// IA32_MTRR_DEF_TYPE.
pub const DEF_TYPE: u32 = 0x2ff;
/// IA32_PAT.
pub const PAT: u32 = 0x277;
/// IA32_PAT after reset: WB, WT, UC-, UC, twice.
pub const PAT_RESET: u64 = 0x0007_0406_0007_0406;

const VARIABLE_BASE: u32 = 0x200;
const VARIABLE_RANGES: usize = 8;
const VARIABLE_LAST: u32 = VARIABLE_BASE + 2 * VARIABLE_RANGES as u32 - 1;
const FIXED_64K: u32 = 0x250;
const FIXED_16K_80000: u32 = 0x258;
const FIXED_16K_A0000: u32 = 0x259;
const FIXED_4K: u32 = 0x268;
const FIXED_4K_LAST: u32 = 0x26f;
const FIXED_RANGES: usize = 11;

/// VCNT, fixed ranges, write combining.
const CAPABILITIES: u64 = VARIABLE_RANGES as u64 | 1 << 8 | 1 << 10;
const DEF_TYPE_FIXED_ENABLE: u64 = 1 << 10;
const DEF_TYPE_ENABLE: u64 = 1 << 11;
const MASK_VALID: u64 = 1 << 11;

const WRITE_BACK: u64 = 6;
const ALL_WRITE_BACK: u64 = 0x0606_0606_0606_0606;
const ALL_UNCACHEABLE: u64 = 0;

/// The value has a reserved bit or memory type: #GP(0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidValue;

/// One domain's registers: write-back everywhere, the legacy video range uncacheable, as firmware leaves them.
#[derive(Clone, Debug)]
pub struct Mtrrs {
    def_type: u64,
    fixed: [u64; FIXED_RANGES],
    /// Base and mask alternate, as the register numbers do.
    variable: [u64; 2 * VARIABLE_RANGES],
    physical_mask: u64,
}

impl Mtrrs {
    /// For a guest whose physical addresses have this many bits.
    #[must_use]
    pub const fn new(physical_bits: u8) -> Self {
        let mut fixed = [ALL_WRITE_BACK; FIXED_RANGES];
        fixed[2] = ALL_UNCACHEABLE;
        Self {
            def_type: DEF_TYPE_ENABLE | DEF_TYPE_FIXED_ENABLE | WRITE_BACK,
            fixed,
            variable: [0; 2 * VARIABLE_RANGES],
            physical_mask: (1 << (physical_bits & 63)) - 1,
        }
    }

    /// The register `msr`; `None` if it is none of these.
    #[must_use]
    pub fn read(&self, msr: u32) -> Option<u64> {
        match msr {
            MTRRCAP => Some(CAPABILITIES),
            DEF_TYPE => Some(self.def_type),
            VARIABLE_BASE..=VARIABLE_LAST => self.variable.get((msr - VARIABLE_BASE) as usize).copied(),
            _ => self.fixed.get(fixed_index(msr)?).copied(),
        }
    }

    /// Writes the register `msr`; `None` if it is none of these.
    ///
    /// # Errors
    /// [`InvalidValue`] for reserved bits and types, and for the read-only MTRRCAP; nothing has changed then.
    pub fn write(&mut self, msr: u32, value: u64) -> Option<Result<(), InvalidValue>> {
        let (register, valid) = match msr {
            MTRRCAP => return Some(Err(InvalidValue)),
            DEF_TYPE => (&mut self.def_type, def_type_is_valid(value)),
            VARIABLE_BASE..=VARIABLE_LAST => {
                let valid = variable_is_valid(msr, value, self.physical_mask);
                (self.variable.get_mut((msr - VARIABLE_BASE) as usize)?, valid)
            }
            _ => (self.fixed.get_mut(fixed_index(msr)?)?, fixed_is_valid(value)),
        };
        if !valid {
            return Some(Err(InvalidValue));
        }
        *register = value;
        Some(Ok(()))
    }
}

const fn fixed_index(msr: u32) -> Option<usize> {
    match msr {
        FIXED_64K => Some(0),
        FIXED_16K_80000 => Some(1),
        FIXED_16K_A0000 => Some(2),
        FIXED_4K..=FIXED_4K_LAST => Some(3 + (msr - FIXED_4K) as usize),
        _ => None,
    }
}

/// UC, WC, WT, WP, WB.
const fn type_is_valid(memory_type: u8) -> bool {
    matches!(memory_type, 0 | 1 | 4 | 5 | 6)
}

const fn def_type_is_valid(value: u64) -> bool {
    value & !(0xff | DEF_TYPE_FIXED_ENABLE | DEF_TYPE_ENABLE) == 0 && type_is_valid(value as u8)
}

fn fixed_is_valid(value: u64) -> bool {
    value.to_le_bytes().into_iter().all(type_is_valid)
}

/// Even numbers are bases (type in bits 0 to 7), odd ones masks (valid in bit 11); both have an address from bit 12.
const fn variable_is_valid(msr: u32, value: u64, physical_mask: u64) -> bool {
    let address = physical_mask & !0xfff;
    if msr & 1 == 0 {
        value & !(address | 0xff) == 0 && type_is_valid(value as u8)
    } else {
        value & !(address | MASK_VALID) == 0
    }
}

/// Whether every byte of an IA32_PAT value is a memory type: those of MTRRs, or UC- (7). If not, the write is #GP(0).
#[must_use]
pub fn pat_is_valid(value: u64) -> bool {
    value.to_le_bytes().into_iter().all(|entry| type_is_valid(entry) || entry == 7)
}
