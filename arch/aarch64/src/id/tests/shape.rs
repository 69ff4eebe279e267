//! Properties of the whole table.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::hosts::{CORTEX_A53, CORTEX_A72, Host, MAX, NEOVERSE_N1};
use crate::gic::Version;
use crate::id::policy::{AARCH32, AARCH64};
use crate::id::rule::{Fields, sign};
use crate::id::{HostIdRegisters, IdRegister, IdRegisters, View};
use crate::sysreg::SysReg;

fn number(value: u64, low: u8) -> u8 {
    (value >> low & 0xf) as u8
}

/// The guest's registers never claim more than the host's, and nothing outside the rules' fields.
fn check(host: &Host, view: View) {
    let guest = IdRegisters::of_view(host, view);
    for (register, fields) in AARCH64.iter().chain(AARCH32) {
        let (host, guest) = (host.read(*register), guest.read(register.encoding()).unwrap());
        let Fields::These(fields) = fields else {
            assert!(guest == host || guest == 0);
            continue;
        };
        let mut rest = guest;
        for field in *fields {
            let (host, guest) = (number(host, field.low()), number(guest, field.low()));
            let less = if field.is_signed() { sign(guest) <= sign(host) } else { guest <= host };
            // Without AArch32, all of its registers are zero, and there are no fields.
            assert!(less || rest == 0, "{}.{}: {guest:#x} of {host:#x}", register.name(), field.name());
            rest &= !(0xf << field.low());
        }
        assert_eq!(rest, 0, "{}", register.name());
    }
}

#[test]
fn known_processors() {
    for host in [CORTEX_A53, CORTEX_A72, NEOVERSE_N1, MAX] {
        for gic in [Version::V2, Version::V3] {
            for address_bits in [32, 36, 39, 44, 48] {
                check(&host, View { address_bits, gic });
            }
        }
    }
}

#[test]
fn one_rule_a_register_and_no_fields_that_overlap() {
    let mut seen = BTreeSet::new();
    for (register, fields) in AARCH64.iter().chain(AARCH32) {
        assert!(seen.insert(register.number()), "{}", register.name());
        let Fields::These(fields) = fields else { continue };
        let lows: BTreeSet<_> = fields.iter().map(|field| field.low()).collect();
        assert_eq!(lows.len(), fields.len(), "{}", register.name());
        assert!(lows.iter().all(|low| low % 4 == 0 && *low < 64));
    }
    assert_eq!(seen.len(), IdRegister::ALL.len(), "a register without a rule");
}

#[test]
fn the_space_is_answered_and_nothing_else() {
    let guest = IdRegisters::of_view(&MAX, View { address_bits: 48, gic: Version::V3 });
    let ruled: BTreeSet<_> = IdRegister::ALL.iter().map(|register| register.number()).collect();
    for crm in 0..16 {
        for op2 in 0..8 {
            let value = guest.read(SysReg::new(3, 0, 0, crm, op2));
            assert_eq!(value.is_some(), crm < 8);
            if !ruled.contains(&(usize::from(crm) << 3 | usize::from(op2))) {
                assert_eq!(value.unwrap_or(0), 0, "CRm {crm}, Op2 {op2}");
            }
        }
    }
    for other in [SysReg::new(3, 1, 0, 0, 1), SysReg::new(3, 3, 0, 0, 1), SysReg::new(2, 0, 0, 4, 0)] {
        assert_eq!(guest.read(other), None);
    }
}

proptest! {
    #[test]
    fn any_processor(values in proptest::array::uniform32(any::<u64>()), address_bits in any::<u32>(), v3: bool) {
        check(&Host::of(&values), View { address_bits, gic: if v3 { Version::V3 } else { Version::V2 } });
    }
}
