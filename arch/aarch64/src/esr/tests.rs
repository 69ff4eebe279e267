//! Syndromes as processors give them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use phalanx_arch_api::AccessSize;
use proptest::prelude::*;

use super::*;

const fn esr(class: u8, iss: u32) -> u64 {
    (class as u64) << 26 | IL | iss as u64
}

fn data(iss: u32) -> DataAbort {
    match decode(esr(class::DATA_ABORT, iss)) {
        Exit::DataAbort(abort) => abort,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_have_their_immediate() {
    assert_eq!(decode(0x5a00_0000), Exit::Hvc { immediate: 0 });
    assert_eq!(decode(0x5a00_5048), Exit::Hvc { immediate: 0x5048 });
    assert_eq!(decode(0x5e00_0000), Exit::Smc { immediate: 0 });
    assert_eq!(decode(0xf200_0800), Exit::Brk { immediate: 0x800 });
}

#[test]
fn a_trapped_mrs() {
    // mrs x5, id_aa64pfr0_el1: Op0 3, Op2 0, Op1 0, CRn 0, Rt 5, CRm 4, read.
    let iss = 3 << 20 | 5 << 5 | 4 << 1 | 1;
    let trap = Trap { register: SysReg::new(3, 0, 0, 4, 0), rt: 5, read: true };
    assert_eq!(decode(esr(0x18, iss)), Exit::SystemRegister(trap));
    // msr icc_sgi1r_el1, x0: what QEMU and processors report is 0x623a3016 with IL.
    let trap = Trap { register: SysReg::new(3, 0, 12, 11, 5), rt: 0, read: false };
    assert_eq!(decode(0x623a_3016), Exit::SystemRegister(trap));
}

#[test]
fn waits() {
    let wait = |event, timed, until| Exit::Wait(Wait { event, timed, until });
    assert_eq!(decode(0x0600_0000), wait(false, false, None));
    assert_eq!(decode(0x0600_0001), wait(true, false, None));
    // An older processor leaves the register field zero.
    assert_eq!(decode(0x0600_0002), wait(false, true, None));
    assert_eq!(decode(0x0600_0067), wait(true, true, Some(3)));
}

#[test]
fn a_described_load() {
    // ldrb w0, [x1]: a translation fault at level 3 in stage 2.
    let abort = data(1 << 24 | 7);
    let access =
        DataAccess { size: AccessSize::B1, sign_extend: false, register: 0, wide: false, acquire_release: false };
    assert_eq!(abort.access(), Some(access));
    assert!(!abort.is_write() && !abort.is_table_walk() && !abort.is_maintenance() && abort.has_address());
    assert_eq!((abort.fault().class(), abort.fault().level()), (FaultClass::Translation, Some(3)));
    assert!(abort.has_guest_physical());
    assert_eq!(abort.device_access(), Some(access));
}

#[test]
fn a_described_store_and_what_is_not_described() {
    // stlr x30, [x1] with all flags.
    let abort = data(1 << 24 | 3 << 22 | 1 << 21 | 30 << 16 | 1 << 15 | 1 << 14 | 1 << 6 | 0x0f);
    let access =
        DataAccess { size: AccessSize::B8, sign_extend: true, register: 30, wide: true, acquire_release: true };
    assert_eq!(abort.access(), Some(access));
    assert!(abort.is_write());
    assert_eq!(abort.fault().class(), FaultClass::Permission);
    assert!(!abort.has_guest_physical());
    assert!(data(1 << 7 | 0x0f).has_guest_physical());
    assert_eq!(data(0x47).access(), None);
    assert!(data(1 << 8 | 1 << 6 | 4).is_maintenance());
    for undescribed in [7, 1 << 24 | 1 << 8 | 7, 1 << 24 | 1 << 7 | 7, 1 << 24 | 0xf, 1 << 24 | 0x17] {
        assert_eq!(data(undescribed).device_access(), None);
    }
    assert!(!data(1 << 10 | 0x10).has_address());
}

#[test]
fn fault_levels() {
    let fault = |code| (Fault::new(code).class(), Fault::new(code).level());
    assert_eq!(fault(0x00), (FaultClass::AddressSize, Some(0)));
    assert_eq!(fault(0x2b), (FaultClass::Translation, Some(-1)));
    assert_eq!(fault(0x2a), (FaultClass::Translation, Some(-2)));
    assert_eq!(fault(0x16), (FaultClass::ExternalOnWalk, Some(2)));
    assert_eq!(fault(0x10), (FaultClass::External, None));
    assert_eq!(fault(0x3f), (FaultClass::Unknown, None));
}

#[test]
fn instruction_lengths() {
    assert_eq!(instruction_bytes(0x9200_0007), 4);
    assert_eq!(instruction_bytes(0x9000_0007), 2);
}

#[test]
fn words() {
    let words = |esr| format!("{}", Explained(esr));
    assert_eq!(words(0x9600_0046), "data abort from EL2: translation fault, level 2, on a write");
    assert_eq!(words(0x8600_000f), "instruction abort from EL2: permission fault, level 3");
    assert_eq!(words(0x9200_0410), "data abort from a lower level: external abort, on a read, FAR not valid");
    assert_eq!(
        words(0x9200_0087),
        "data abort from a lower level: translation fault, level 3, on a read, walking stage 1"
    );
    assert_eq!(words(0x9600_0179), "data abort from EL2: fault status 0x39, on cache maintenance");
    assert_eq!(words(0x623a_3016), "system register access: write of S3_0_C12_C11_5");
    assert_eq!(words(0x0200_0000), "undefined instruction or no reason given");
    assert_eq!(words(0x5a00_5048), "HVC #0x5048");
    assert_eq!(words(0xbe00_0000), "SError");
    assert_eq!(words(u64::MAX), "reserved exception class");
}

proptest! {
    #[test]
    fn total(esr in any::<u64>()) {
        match decode(esr) {
            Exit::DataAbort(abort) => {
                let access = abort.access();
                prop_assert_eq!(access.is_some(), esr & 1 << 24 != 0);
                prop_assert!(access.is_none_or(|access| access.register < 32));
                let _ = (abort.fault().class(), abort.fault().level());
            }
            Exit::SystemRegister(trap) => prop_assert!(trap.rt < 32),
            Exit::Unknown(raw) => prop_assert_eq!(raw, esr),
            _ => {}
        }
        let words = format!("{}", Explained(esr));
        prop_assert!(!words.is_empty());
    }
}
