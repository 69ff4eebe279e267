//! Accesses as a guest makes them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use phalanx_arch_api::Ticks;
use proptest::prelude::*;

use super::*;
use crate::gic::Version;
use crate::id::tests::hosts::{Host, NEOVERSE_N1};
use crate::id::{IdRegister, View};

/// The models of one vCPU.
struct Vcpu {
    id: IdRegisters,
    debug: DebugRegisters,
    timer: PhysicalTimer,
}

impl Vcpu {
    fn new(gic: Version) -> Self {
        let view = View { address_bits: 48, gic };
        let id = IdRegisters::of_view(&NEOVERSE_N1, view);
        Self { id, debug: DebugRegisters::default(), timer: PhysicalTimer::default() }
    }

    fn access(&mut self, register: SysReg, read: bool, value: u64, now: Ticks) -> Action {
        let mut models = Models { id: &self.id, debug: &mut self.debug, timer: &mut self.timer };
        access(Trap { register, rt: 0, read }, value, &mut models, now)
    }

    fn read(&mut self, register: SysReg) -> Action {
        self.access(register, true, 0, 1000)
    }

    fn write(&mut self, register: SysReg, value: u64) -> Action {
        self.access(register, false, value, 1000)
    }
}

fn vcpu() -> Vcpu {
    Vcpu::new(Version::V3)
}

const fn bvr(number: u8) -> SysReg {
    SysReg::new(2, 0, 0, number, 4)
}

const fn bcr(number: u8) -> SysReg {
    SysReg::new(2, 0, 0, number, 5)
}

const fn wcr(number: u8) -> SysReg {
    SysReg::new(2, 0, 0, number, 7)
}

#[test]
fn names_have_their_numbers() {
    let register = SysReg::new(3, 1, 11, 12, 7);
    let parts = [register.op0(), register.op1(), register.crn(), register.crm(), register.op2()];
    assert_eq!(parts, [3, 1, 11, 12, 7]);
    assert_eq!(format!("{register:?}"), "S3_1_C11_C12_7");
    // mrs x0, midr_el1 is 0xd538_0000, of which bit 20 is always set and belongs to Op0.
    assert_eq!(SysReg::new(3, 0, 0, 0, 0).number(), 0xd538_0000 >> 5 & 0xffff);
    assert_eq!(SysReg::new(3, 3, 14, 2, 1).number(), 0xdf11);
    assert_eq!(SysReg::from_syndrome(u32::MAX), SysReg::new(3, 7, 15, 15, 7));
    assert_eq!(SysReg::new(3, 0, 0, 7, 2).identification(), Some(58));
    for other in [SysReg::new(3, 0, 0, 8, 0), SysReg::new(3, 1, 0, 0, 0), SysReg::new(2, 0, 0, 1, 0)] {
        assert_eq!(other.identification(), None);
    }
}

#[test]
fn identification_registers_are_read_only() {
    let mut vcpu = vcpu();
    let register = IdRegister::Aa64Pfr0.encoding();
    let value = vcpu.id.read(register).unwrap();
    assert_eq!(vcpu.read(register), Action::Value(value));
    assert_eq!(vcpu.read(SysReg::new(3, 0, 0, 7, 7)), Action::Value(0));
    assert_eq!(vcpu.write(register, 0), Action::Undefined);
}

#[test]
fn the_physical_timer() {
    let mut vcpu = vcpu();
    assert_eq!(vcpu.write(names::CNTP_TVAL_EL0, 500), Action::TimerWritten);
    assert_eq!(vcpu.write(names::CNTP_CTL_EL0, 1), Action::TimerWritten);
    assert_eq!(vcpu.read(names::CNTP_CVAL_EL0), Action::Value(1500));
    assert_eq!(vcpu.access(names::CNTP_CTL_EL0, true, 0, 1500), Action::Value(5));
    assert_eq!(vcpu.access(names::CNTP_TVAL_EL0, true, 0, 1400), Action::Value(100));
    assert_eq!(vcpu.write(names::CNTP_CVAL_EL0, 7), Action::TimerWritten);
    assert_eq!(vcpu.timer.deadline(), Some(7));
}

#[test]
fn interrupts_are_sent_where_the_controller_has_registers() {
    let sgi = |register, value| Action::Sgi { register, value };
    let mut vcpu = vcpu();
    assert_eq!(vcpu.write(names::ICC_SGI1R_EL1, 9), sgi(SgiRegister::Sgi1, 9));
    assert_eq!(vcpu.write(names::ICC_ASGI1R_EL1, 9), sgi(SgiRegister::AliasSgi1, 9));
    assert_eq!(vcpu.write(names::ICC_SGI0R_EL1, 9), sgi(SgiRegister::Sgi0, 9));
    assert_eq!(vcpu.read(names::ICC_SGI1R_EL1), Action::Undefined);
    assert_eq!((vcpu.read(names::ICC_SRE_EL1), vcpu.write(names::ICC_SRE_EL1, 0)), (Action::Value(7), Action::Written));
    let mut old = Vcpu::new(Version::V2);
    for register in [names::ICC_SGI1R_EL1, names::ICC_SGI0R_EL1, names::ICC_ASGI1R_EL1, names::ICC_SRE_EL1] {
        assert_eq!(old.write(register, 0), Action::Undefined);
    }
    assert_eq!(old.read(names::ICC_SRE_EL1), Action::Undefined);
}

#[test]
fn set_and_way() {
    for instruction in [names::DC_ISW, names::DC_CSW, names::DC_CISW] {
        assert_eq!(vcpu().write(instruction, 0), Action::SetWay);
    }
    // DC IGSW: memory tagging is hidden.
    assert_eq!(vcpu().write(SysReg::new(1, 0, 7, 6, 4), 0), Action::Undefined);
}

#[test]
fn what_the_processor_does_not_have() {
    let absent = [
        ("PMCR_EL0", SysReg::new(3, 3, 9, 12, 0)),
        ("PMCCNTR_EL0", SysReg::new(3, 3, 9, 13, 0)),
        ("AMCR_EL0", SysReg::new(3, 3, 13, 2, 0)),
        ("PMSIDR_EL1", SysReg::new(3, 0, 9, 9, 7)),
        ("TRBIDR_EL1", SysReg::new(3, 0, 9, 11, 7)),
        ("TRCIDR0", SysReg::new(2, 1, 0, 8, 7)),
        ("TRFCR_EL1", SysReg::new(3, 0, 1, 2, 1)),
        ("ERRIDR_EL1", SysReg::new(3, 0, 5, 3, 0)),
        ("LORID_EL1", SysReg::new(3, 0, 10, 4, 7)),
        ("CPUACTLR_EL1", SysReg::new(3, 1, 15, 2, 0)),
        ("DBGVCR32_EL2", SysReg::new(2, 4, 0, 7, 0)),
        ("SMIDR_EL1", SysReg::new(3, 1, 0, 0, 6)),
    ];
    for (name, register) in absent {
        assert_eq!(vcpu().read(register), Action::Undefined, "{name}");
        assert_eq!(vcpu().write(register, 0), Action::Undefined, "{name}");
    }
}

#[test]
fn auxiliary_control_holds_nothing() {
    let mut vcpu = vcpu();
    assert_eq!(vcpu.write(names::ACTLR_EL1, u64::MAX), Action::Written);
    assert_eq!(vcpu.read(names::ACTLR_EL1), Action::Value(0));
}

#[test]
fn breakpoints_and_watchpoints() {
    let mut vcpu = vcpu();
    assert_eq!(vcpu.write(bvr(5), 0x1234), Action::DebugWritten);
    assert_eq!(vcpu.write(bcr(5), u64::MAX), Action::DebugWritten);
    assert_eq!((vcpu.read(bvr(5)), vcpu.read(bcr(5))), (Action::Value(0x1234), Action::Value(0xff_e1e7)));
    // Six breakpoints and four watchpoints.
    assert_eq!((vcpu.write(bvr(6), 0), vcpu.read(bcr(6))), (Action::Undefined, Action::Undefined));
    assert_eq!((vcpu.write(wcr(3), 1), vcpu.write(wcr(4), 1)), (Action::DebugWritten, Action::Undefined));
    let features = vcpu.id.debug();
    let set: std::vec::Vec<_> = vcpu.debug.breakpoints(features).filter(|(_, pair)| pair.control & 1 != 0).collect();
    assert_eq!(set, [(5, Pair { value: 0x1234, control: 0xff_e1e7 })]);
    assert_eq!(vcpu.debug.watchpoints(features).count(), 4);
}

#[test]
fn in_use_when_enabled_and_unlocked() {
    let mut vcpu = vcpu();
    assert_eq!(vcpu.read(names::OSLSR_EL1), Action::Value(0xa));
    assert_eq!(vcpu.write(names::MDSCR_EL1, u64::MAX), Action::DebugWritten);
    assert_eq!(vcpu.read(names::MDSCR_EL1), Action::Value(0xb001));
    assert_eq!((vcpu.debug.in_use(), vcpu.debug.control()), (false, 0x3000));
    assert_eq!(vcpu.write(names::OSLAR_EL1, 0), Action::DebugWritten);
    assert_eq!(vcpu.read(names::OSLSR_EL1), Action::Value(8));
    assert_eq!((vcpu.debug.in_use(), vcpu.debug.control()), (true, 0xb001));
    assert_eq!(vcpu.write(names::OSDLR_EL1, 1), Action::DebugWritten);
    assert!(!vcpu.debug.in_use());
    assert_eq!(vcpu.write(names::OSDLR_EL1, 0), Action::DebugWritten);
    assert_eq!(vcpu.write(names::MDSCR_EL1, 1 << 12), Action::DebugWritten);
    assert!(!vcpu.debug.in_use());
}

#[test]
fn claim_tags_and_what_needs_a_debugger() {
    let mut vcpu = vcpu();
    assert_eq!(vcpu.write(names::DBGCLAIMSET_EL1, 0x1f0), Action::DebugWritten);
    assert_eq!(vcpu.write(names::DBGCLAIMCLR_EL1, 0x10), Action::DebugWritten);
    assert_eq!(vcpu.read(names::DBGCLAIMCLR_EL1), Action::Value(0xe0));
    assert_eq!(vcpu.read(names::DBGCLAIMSET_EL1), Action::Value(0xff));
    for inert in [names::DBGDTR_EL0, names::DBGDTRX_EL0, names::MDCCINT_EL1, names::DBGPRCR_EL1] {
        assert_eq!((vcpu.write(inert, u64::MAX), vcpu.read(inert)), (Action::DebugWritten, Action::Value(0)));
    }
    for read_only in [names::MDCCSR_EL0, names::MDRAR_EL1, names::DBGAUTHSTATUS_EL1] {
        assert_eq!((vcpu.read(read_only), vcpu.write(read_only, 0)), (Action::Value(0), Action::Undefined));
    }
    assert_eq!(vcpu.read(names::OSLAR_EL1), Action::Undefined);
}

fn register() -> impl Strategy<Value = SysReg> {
    prop_oneof![
        any::<u32>().prop_map(SysReg::from_syndrome),
        (0..16_u8, 0..8_u8).prop_map(|(crm, op2)| SysReg::new(2, 0, 0, crm, op2)),
        (0..16_u8, 0..8_u8).prop_map(|(crm, op2)| SysReg::new(2, 0, 1, crm, op2)),
        (0..4_u8, 0..8_u8).prop_map(|(crm, op2)| SysReg::new(3, 3, 14, crm, op2)),
    ]
}

proptest! {
    /// No access panics; a read never writes, and what was written can be read.
    #[test]
    fn total(accesses in proptest::collection::vec((register(), any::<bool>(), any::<u64>(), any::<u64>()), 1..50)) {
        let mut vcpu = vcpu();
        for (register, read, value, now) in accesses {
            let action = vcpu.access(register, read, value, now);
            let of_a_read = matches!(action, Action::Value(_));
            prop_assert!(action == Action::Undefined || of_a_read == read);
            let features = vcpu.id.debug();
            prop_assert!(vcpu.debug.breakpoints(features).all(|(number, _)| number < 16));
        }
    }

    /// Whatever the host is, more breakpoints than 16 there are never.
    #[test]
    fn any_host(values in proptest::array::uniform32(any::<u64>())) {
        let id = IdRegisters::of_view(&Host::of(&values), View { address_bits: 48, gic: Version::V3 });
        prop_assert!(id.debug().breakpoints <= 16 && id.debug().watchpoints <= 16);
    }
}
