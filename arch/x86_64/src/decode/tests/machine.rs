//! A register file for tests.

use crate::decode::{Reg, Registers, Seg};

/// Registers that a test can set at will.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) gprs: [u64; 16],
    pub(super) rip: u64,
    pub(super) rflags: u64,
    pub(super) bases: [u64; 6],
}

impl Machine {
    pub(super) fn with(registers: &[(Reg, u64)]) -> Self {
        let mut machine = Self::default();
        for (reg, value) in registers {
            machine.set_gpr(*reg, *value);
        }
        machine
    }
}

impl Registers for Machine {
    fn gpr(&self, reg: Reg) -> u64 {
        self.gprs[reg as usize]
    }

    fn set_gpr(&mut self, reg: Reg, value: u64) {
        self.gprs[reg as usize] = value;
    }

    fn rip(&self) -> u64 {
        self.rip
    }

    fn rflags(&self) -> u64 {
        self.rflags
    }

    fn set_rflags(&mut self, value: u64) {
        self.rflags = value;
    }

    fn segment_base(&self, segment: Seg) -> u64 {
        self.bases[segment as usize]
    }
}
