//! A model of the virtual CPU interface, as IHI 0048 chapter 5 and IHI 0069 chapter 6 describe it.

use core::cell::RefCell;
use std::thread_local;
use std::vec::Vec;

use crate::gic::{Conditions, Gic, InterfaceState, ListRegister, LrState, Version};

/// VMCR: EnableGrp0, EnableGrp1.
pub(super) const GROUPS: u32 = 3;
/// VMCR.VEOIM.
pub(super) const EOI_MODE: u32 = 1 << 9;
/// What the guest's acknowledge register shows where nothing is pending.
pub(super) const SPURIOUS: u32 = 1023;

/// One CPU.
#[derive(Clone, Debug)]
pub(super) struct Cpu {
    pub(super) registers: [u64; 16],
    pub(super) state: InterfaceState,
    pub(super) conditions: Conditions,
    pub(super) enabled: bool,
    /// HCR.EOIcount.
    pub(super) unlisted: u32,
    /// Physical PPIs that are active.
    pub(super) active: u32,
    /// Writes of list registers.
    pub(super) writes: u32,
    /// Writes of physical active states.
    pub(super) active_writes: u32,
}

/// All CPUs, and the one that acts.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub(super) cpus: Vec<Cpu>,
    pub(super) count: usize,
    pub(super) here: usize,
}

thread_local! {
    static MACHINE: RefCell<Machine> = RefCell::default();
}

/// A machine with CPUs whose list registers are full of rubbish, as after power-on.
pub(super) fn power_on(cpus: usize, count: usize) {
    let rubbish = encode(ListRegister { intid: 77, state: LrState::Active, ..ListRegister::default() });
    let cpu = Cpu {
        registers: [rubbish; 16],
        state: InterfaceState { vmcr: 0xffff_ffff, apr0: 5, apr1: 9 },
        conditions: Conditions { no_pending: true, unlisted: true },
        enabled: false,
        unlisted: 3,
        active: 0,
        writes: 0,
        active_writes: 0,
    };
    MACHINE.with_borrow_mut(|machine| *machine = Machine { cpus: vec![cpu; cpus], count, here: 0 });
}

/// Makes a CPU the one that acts.
pub(super) fn go_to(cpu: usize) {
    MACHINE.with_borrow_mut(|machine| machine.here = cpu);
}

/// The CPU that acts.
pub(super) fn here<R>(look: impl FnOnce(&mut Cpu, usize) -> R) -> R {
    MACHINE.with_borrow_mut(|machine| {
        let (here, count) = (machine.here, machine.count);
        look(&mut machine.cpus[here], count)
    })
}

/// The hardware's spelling; made up, but with a place for each field.
pub(super) fn encode(register: ListRegister) -> u64 {
    u64::from(register.intid)
        | u64::from(register.source) << 16
        | u64::from(register.priority & 0xf8) << 24
        | (register.state as u64) << 32
        | u64::from(register.group1) << 34
        | u64::from(register.eoi_maintenance) << 35
        | register.hardware.map_or(0, |physical| 1 << 36 | u64::from(physical) << 40)
}

pub(super) fn decode(raw: u64) -> ListRegister {
    ListRegister {
        intid: raw as u32 & 0xffff,
        source: (raw >> 16) as u8 & 7,
        priority: (raw >> 24) as u8,
        state: match raw >> 32 & 3 {
            0 => LrState::Invalid,
            1 => LrState::Pending,
            2 => LrState::Active,
            _ => LrState::PendingActive,
        },
        group1: raw >> 34 & 1 != 0,
        eoi_maintenance: raw >> 35 & 1 != 0,
        hardware: (raw >> 36 & 1 != 0).then_some((raw >> 40) as u32 & 0x3ff),
    }
}

impl Cpu {
    pub(super) fn listed(&self, count: usize) -> Vec<ListRegister> {
        self.registers[..count].iter().map(|raw| decode(*raw)).collect()
    }

    fn empty(&self, count: usize) -> u32 {
        let registers = self.listed(count);
        let bits = registers.iter().enumerate().map(|(n, register)| {
            u32::from(register.state == LrState::Invalid && !(register.eoi_maintenance && register.hardware.is_none()))
                << n
        });
        bits.sum()
    }

    /// Preemption: bits of the priority that count.
    fn preemption(&self, group1: bool) -> u8 {
        let vmcr = self.state.vmcr;
        let point = if group1 && vmcr & 1 << 4 == 0 { vmcr >> 18 & 7 } else { (vmcr >> 21 & 7) + 1 };
        (0xff_u32 << point) as u8
    }

    pub(super) fn running(&self) -> u32 {
        (self.state.apr0 | self.state.apr1).trailing_zeros() * 8
    }

    /// The list register that is signalled to the guest.
    pub(super) fn signalled(&self, count: usize) -> Option<usize> {
        let registers = self.listed(count);
        let pending = registers.iter().enumerate().filter(|(_, register)| {
            register.state == LrState::Pending && self.state.vmcr >> u32::from(register.group1) & 1 != 0
        });
        let (n, best) = pending.min_by_key(|(_, register)| (register.priority, register.intid))?;
        let above_mask = u32::from(best.priority) < self.state.vmcr >> 24;
        let preempts = u32::from(best.priority & self.preemption(best.group1)) < self.running();
        (self.enabled && above_mask && preempts).then_some(n)
    }

    /// The guest reads its acknowledge register: INTID, and the source from bit 10 on.
    pub(super) fn acknowledge(&mut self, count: usize) -> u32 {
        let Some(n) = self.signalled(count) else { return SPURIOUS };
        let register = decode(self.registers[n]);
        self.registers[n] = encode(ListRegister { state: LrState::Active, ..register });
        let bit = 1 << ((register.priority & self.preemption(register.group1)) >> 3);
        if register.group1 {
            self.state.apr1 |= bit;
        } else {
            self.state.apr0 |= bit;
        }
        register.intid | u32::from(register.source) << 10
    }

    /// The guest ends what it acknowledged.
    pub(super) fn end(&mut self, raw: u32, count: usize) {
        let all = self.state.apr0 | self.state.apr1;
        if all == 0 {
            return;
        }
        let lowest = 1 << all.trailing_zeros();
        if self.state.apr0 & lowest != 0 {
            self.state.apr0 &= !lowest;
        } else {
            self.state.apr1 &= !lowest;
        }
        if self.state.vmcr & EOI_MODE == 0 {
            self.deactivate(raw, count);
        }
    }

    /// The guest deactivates (DIR, or EOI with EOImode 0).
    pub(super) fn deactivate(&mut self, raw: u32, count: usize) {
        let (intid, source) = (raw & 0x3ff, (raw >> 10) as u8);
        let place = self.listed(count).iter().position(|register| {
            register.intid == intid
                && register.source == source
                && matches!(register.state, LrState::Active | LrState::PendingActive)
        });
        let Some(n) = place else {
            self.unlisted = (self.unlisted + 1) & 31;
            return;
        };
        let register = decode(self.registers[n]);
        let state = if register.state == LrState::Active { LrState::Invalid } else { LrState::Pending };
        self.registers[n] = encode(ListRegister { state, ..register });
        if let Some(physical) = register.hardware {
            self.active &= !(1 << physical);
        }
    }

    /// Whether the maintenance interrupt is asserted.
    pub(super) fn maintenance(&self, count: usize) -> bool {
        let registers = self.listed(count);
        let ended = registers.iter().any(|register| {
            register.state == LrState::Invalid && register.eoi_maintenance && register.hardware.is_none()
        });
        let no_pending = !registers.iter().any(|register| register.state == LrState::Pending);
        self.enabled
            && (ended || self.conditions.no_pending && no_pending || self.conditions.unlisted && self.unlisted != 0)
    }

    /// What the manuals call UNPREDICTABLE in list registers.
    pub(super) fn check(&self, count: usize) {
        let mut seen = Vec::new();
        for register in self.listed(count) {
            if register.state == LrState::Invalid {
                continue;
            }
            assert!(!seen.contains(&register.intid), "INTID {} twice: {:?}", register.intid, self.listed(count));
            seen.push(register.intid);
            if let Some(physical) = register.hardware {
                assert_ne!(register.state, LrState::PendingActive);
                assert!(!register.eoi_maintenance);
                assert_ne!(self.active >> physical & 1, 0, "physical interrupt is not active: {register:?}");
            }
        }
    }
}

/// Implements the boundary for one version.
macro_rules! hardware {
    ($name:ident, $version:expr, $fix:expr) => {
        #[derive(Debug)]
        pub(super) struct $name;

        impl Gic for $name {
            const VERSION: Version = $version;

            fn acknowledge() -> u32 {
                SPURIOUS
            }

            fn drop_priority(_: u32) {}

            fn deactivate(_: u32) {}

            fn set_active(ppi: u32, active: bool) {
                here(|cpu, _| {
                    cpu.active = cpu.active & !(1 << ppi) | u32::from(active) << ppi;
                    cpu.active_writes += 1;
                });
            }

            fn list_registers() -> usize {
                here(|_, count| count)
            }

            fn empty() -> u32 {
                here(|cpu, count| cpu.empty(count))
            }

            fn read(n: usize) -> ListRegister {
                here(|cpu, count| if n < count { decode(cpu.registers[n]) } else { ListRegister::default() })
            }

            fn write_raw(n: usize, raw: u64) {
                here(|cpu, count| {
                    assert!(n < count, "list register {n}");
                    cpu.registers[n] = raw;
                    cpu.writes += 1;
                });
            }

            fn encode(register: ListRegister) -> u64 {
                encode($fix(register))
            }

            fn set_maintenance(conditions: Conditions) {
                here(|cpu, _| (cpu.conditions, cpu.unlisted) = (conditions, 0));
            }

            fn take_unlisted() -> u32 {
                here(|cpu, _| core::mem::take(&mut cpu.unlisted))
            }

            fn set_enabled(enabled: bool) {
                here(|cpu, _| cpu.enabled = enabled);
            }

            fn save() -> InterfaceState {
                here(|cpu, _| cpu.state)
            }

            fn restore(state: &InterfaceState) {
                here(|cpu, _| cpu.state = *state);
            }
        }
    };
}

hardware!(HardwareV2, Version::V2, |register: ListRegister| register);
hardware!(HardwareV3, Version::V3, |register: ListRegister| ListRegister { source: 0, ..register });
