//! How a system register or instruction is named: Op0, Op1, CRn, CRm and Op2 (Arm ARM, "The System register encoding
//! space").

use core::fmt;

/// The bits of a trap's syndrome that name the register: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, CRm 4:1 (Arm ARM,
/// D24.2.40, "ISS encoding for an exception from MSR, MRS, or System instruction execution").
const NAME: u32 = 0x3f_fc1e;
/// Op0, Op1, CRn and the upper bit of CRm.
const ID_SPACE: u32 = 3 << 20 | 7 << 14 | 0xf << 10 | 1 << 4;

/// A system register or instruction, as a trap names it: comparing two is one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SysReg(u32);

impl SysReg {
    /// The register with these five numbers. What does not fit its field is cut off.
    #[must_use]
    pub const fn new(op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Self {
        Self(
            (op0 as u32 & 3) << 20
                | (op2 as u32 & 7) << 17
                | (op1 as u32 & 7) << 14
                | (crn as u32 & 15) << 10
                | (crm as u32 & 15) << 1,
        )
    }

    /// The register of a trap with this syndrome.
    #[inline(always)]
    #[must_use]
    pub const fn from_syndrome(iss: u32) -> Self {
        Self(iss & NAME)
    }

    /// The name as the trap's syndrome spells it (ISS, without register and direction).
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Op0: 1 for instructions, 2 for debug and trace, 3 for the others.
    #[must_use]
    pub const fn op0(self) -> u8 {
        (self.0 >> 20 & 3) as u8
    }

    /// Op1.
    #[must_use]
    pub const fn op1(self) -> u8 {
        (self.0 >> 14 & 7) as u8
    }

    /// CRn.
    #[must_use]
    pub const fn crn(self) -> u8 {
        (self.0 >> 10 & 15) as u8
    }

    /// CRm.
    #[must_use]
    pub const fn crm(self) -> u8 {
        (self.0 >> 1 & 15) as u8
    }

    /// Op2.
    #[must_use]
    pub const fn op2(self) -> u8 {
        (self.0 >> 17 & 7) as u8
    }

    /// All five in one number, as the MRS and MSR instructions have them in their bits 20 to 5.
    #[must_use]
    pub const fn number(self) -> u32 {
        let [op0, op1, crn, crm, op2] =
            [self.op0() as u32, self.op1() as u32, self.crn() as u32, self.crm() as u32, self.op2() as u32];
        op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
    }

    /// The number, 0 to 63, of a register in the identification space: Op0 3, Op1 0, CRn 0, CRm 0 to 7, Op2 0 to 7.
    #[inline(always)]
    #[must_use]
    pub const fn identification(self) -> Option<usize> {
        if self.0 & ID_SPACE == 3 << 20 { Some((self.0 << 2 & 0x38 | self.0 >> 17 & 7) as usize) } else { None }
    }
}

impl fmt::Display for SysReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}_{}_C{}_C{}_{}", self.op0(), self.op1(), self.crn(), self.crm(), self.op2())
    }
}

impl fmt::Debug for SysReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
