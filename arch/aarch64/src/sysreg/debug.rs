//! The debug registers of a vCPU (Arm ARM, D24.3).
//!
//! Every access traps (MDCR_EL2.TDA, TDOSA, TDRA), so the model is always right and the hardware needs it only while
//! [`DebugRegisters::in_use`]. There is no external debugger: the communications channel is empty for ever, and what
//! only a debugger may change reads as zero.

use super::{SysReg, names};

/// Most breakpoints, and most watchpoints, that an architecture without FEAT_Debugv8p9 has.
const MOST: usize = 16;

/// MDSCR_EL1: single step.
const SINGLE_STEP: u64 = 1 << 0;
/// MDSCR_EL1: monitor debug, that is breakpoints and watchpoints.
const MONITOR: u64 = 1 << 15;
/// MDSCR_EL1: what a guest can change: SS, TDCC, KDE, MDE.
const MDSCR: u64 = SINGLE_STEP | 1 << 12 | 1 << 13 | MONITOR;
/// `DBGBCR<n>_EL1`: E, PMC, BAS, HMC, SSC, LBN, BT. None of them reaches EL2: debug exceptions go to EL1
/// (MDCR_EL2.TDE is 0), and there are none from a level above the one that they go to (D2.4).
const BREAKPOINT_CONTROL: u64 = 0x00ff_e1e7;
/// `DBGWCR<n>_EL1`: E, PAC, LSC, BAS, HMC, SSC, LBN, WT, MASK.
const WATCHPOINT_CONTROL: u64 = 0x1f1f_ffff;
/// OSLSR_EL1: OSLM = 0b10, the OS lock is implemented.
const LOCK_IMPLEMENTED: u64 = 1 << 3;
/// OSLSR_EL1: OSLK.
const LOCKED: u64 = 1 << 1;
/// DBGCLAIMSET_EL1: eight claim tags.
const CLAIM_TAGS: u64 = 0xff;

/// What of the debug architecture a guest has, as ID_AA64DFR0_EL1 tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebugFeatures {
    /// Breakpoints, 1 to 16.
    pub breakpoints: u8,
    /// Watchpoints, 1 to 16.
    pub watchpoints: u8,
    /// The OS double lock.
    pub double_lock: bool,
}

/// A breakpoint or a watchpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// `DBGBVR<n>_EL1` or `DBGWVR<n>_EL1`.
    pub value: u64,
    /// `DBGBCR<n>_EL1` or `DBGWCR<n>_EL1`.
    pub control: u64,
}

/// The debug registers of one vCPU. The default is the state after a reset: the OS lock is set.
#[derive(Clone, Debug)]
pub struct DebugRegisters {
    mdscr: u64,
    unlocked: bool,
    double_locked: bool,
    claimed: u64,
    breakpoints: [Pair; MOST],
    watchpoints: [Pair; MOST],
}

impl Default for DebugRegisters {
    fn default() -> Self {
        let none = [Pair::default(); MOST];
        Self { mdscr: 0, unlocked: false, double_locked: false, claimed: 0, breakpoints: none, watchpoints: none }
    }
}

impl DebugRegisters {
    /// Whether breakpoints, watchpoints or single step can do anything now: then they have to be in the hardware.
    #[inline]
    #[must_use]
    pub const fn in_use(&self) -> bool {
        self.control() & (MONITOR | SINGLE_STEP) != 0
    }

    /// Whether the guest may be stepping: MDSCR_EL1.SS, whatever its locks say. One load.
    #[inline(always)]
    #[must_use]
    pub const fn single_steps(&self) -> bool {
        self.mdscr & SINGLE_STEP != 0
    }

    /// MDSCR_EL1 for the hardware, in use or not (it also closes the communications channel to EL0). The locks, which
    /// stay open in the hardware, keep breakpoints and steps off.
    #[inline]
    #[must_use]
    pub const fn control(&self) -> u64 {
        let locked = !self.unlocked || self.double_locked;
        if locked { self.mdscr & !(MONITOR | SINGLE_STEP) } else { self.mdscr }
    }

    /// The breakpoints, by their number.
    pub fn breakpoints(&self, features: DebugFeatures) -> impl Iterator<Item = (usize, Pair)> {
        numbered(&self.breakpoints, features.breakpoints)
    }

    /// The watchpoints, by their number.
    pub fn watchpoints(&self, features: DebugFeatures) -> impl Iterator<Item = (usize, Pair)> {
        numbered(&self.watchpoints, features.watchpoints)
    }

    /// Reads a register; `None` is UNDEFINED.
    pub(super) fn read(&self, register: SysReg, features: DebugFeatures) -> Option<u64> {
        if let Some((bank, number)) = bank(register) {
            return self.pair(bank, number, features).map(|pair| if bank.control { pair.control } else { pair.value });
        }
        Some(match register {
            names::MDSCR_EL1 => self.mdscr,
            names::OSLSR_EL1 => LOCK_IMPLEMENTED | if self.unlocked { 0 } else { LOCKED },
            names::OSDLR_EL1 => u64::from(self.double_locked),
            names::DBGCLAIMSET_EL1 => CLAIM_TAGS,
            names::DBGCLAIMCLR_EL1 => self.claimed,
            names::MDCCSR_EL0 | names::MDRAR_EL1 | names::DBGAUTHSTATUS_EL1 => 0,
            _ if is_inert(register) => 0,
            _ => return None,
        })
    }

    /// Writes a register; `None` is UNDEFINED.
    pub(super) fn write(&mut self, register: SysReg, value: u64, features: DebugFeatures) -> Option<()> {
        if let Some((bank, number)) = bank(register) {
            let pair = self.pair_mut(bank, number, features)?;
            match (bank.control, bank.watchpoints) {
                (false, _) => pair.value = value,
                (true, false) => pair.control = value & BREAKPOINT_CONTROL,
                (true, true) => pair.control = value & WATCHPOINT_CONTROL,
            }
            return Some(());
        }
        match register {
            names::MDSCR_EL1 => self.mdscr = value & MDSCR,
            names::OSLAR_EL1 => self.unlocked = value & 1 == 0,
            names::OSDLR_EL1 => self.double_locked = features.double_lock && value & 1 != 0,
            names::DBGCLAIMSET_EL1 => self.claimed |= value & CLAIM_TAGS,
            names::DBGCLAIMCLR_EL1 => self.claimed &= !value,
            _ if is_inert(register) => {}
            _ => return None,
        }
        Some(())
    }

    fn pair(&self, bank: Bank, number: u8, features: DebugFeatures) -> Option<&Pair> {
        let pairs = if bank.watchpoints { &self.watchpoints } else { &self.breakpoints };
        pairs.get(bank.index(number, features)?)
    }

    fn pair_mut(&mut self, bank: Bank, number: u8, features: DebugFeatures) -> Option<&mut Pair> {
        let pairs = if bank.watchpoints { &mut self.watchpoints } else { &mut self.breakpoints };
        pairs.get_mut(bank.index(number, features)?)
    }
}

/// One of the four numbered banks.
#[derive(Clone, Copy)]
struct Bank {
    watchpoints: bool,
    control: bool,
}

impl Bank {
    fn index(self, number: u8, features: DebugFeatures) -> Option<usize> {
        let count = if self.watchpoints { features.watchpoints } else { features.breakpoints };
        (number < count).then_some(usize::from(number))
    }
}

/// DBGBVR, DBGBCR, DBGWVR and DBGWCR are 2, 0, C0, Cn, 4 to 7.
const fn bank(register: SysReg) -> Option<(Bank, u8)> {
    if register.op1() != 0 || register.crn() != 0 || register.op2() < 4 {
        return None;
    }
    let bank = Bank { watchpoints: register.op2() & 2 != 0, control: register.op2() & 1 != 0 };
    Some((bank, register.crm()))
}

/// Registers of the communications channel and of power control, which do nothing without an external debugger.
const fn is_inert(register: SysReg) -> bool {
    matches!(
        register,
        names::OSDTRRX_EL1
            | names::OSDTRTX_EL1
            | names::OSECCR_EL1
            | names::MDCCINT_EL1
            | names::DBGDTR_EL0
            | names::DBGDTRX_EL0
            | names::DBGPRCR_EL1
    )
}

fn numbered(pairs: &[Pair; MOST], count: u8) -> impl Iterator<Item = (usize, Pair)> {
    pairs.iter().copied().enumerate().take(usize::from(count))
}
