//! Every encoding of MRS and MSR with op0 = 3: what the identification registers offer works, everything else is
//! UNDEFINED.

use crate::code::{self, Encoding};
use crate::known::{Use, lookup};
use guest_arm_rt::report::Sweep;
use guest_arm_rt::trap::{Fault, SYSTEM_TRAPPED, UNDEFINED};
use guest_arm_rt::{hypercall, read_register, write_register};

/// CPACR_EL1: nothing of FP, SVE and SME traps, so that only a hypervisor does.
const NOTHING_TRAPS: u64 = 3 << 24 | 3 << 20 | 3 << 16;

/// CNTFRQ_EL0.
const FREQUENCY: Encoding = Encoding(3, 3, 14, 0, 0);

pub(crate) fn run() {
    let before = read_register!("cpacr_el1");
    // SAFETY: lets registers through that the guest does not use.
    unsafe { write_register!("cpacr_el1", NOTHING_TRAPS) };
    let (mut sweep, mut tried) = (Sweep::new("registers"), 0);
    for register in Encoding::all(3).filter(|&register| !is_left_out(register)) {
        one(register, &mut sweep);
        tried += 1;
    }
    sweep.judge(tried > 14_000, "registers tried", tried);
    sweep.finish();
    // SAFETY: as it was.
    unsafe { write_register!("cpacr_el1", before) };
}

/// Implementation-defined registers exist where nobody hides them, and CNTFRQ_EL0 can be written at the highest level.
fn is_left_out(register: Encoding) -> bool {
    (matches!(register.2, 11 | 15) || register == FREQUENCY) && !hypercall::on_phalanx()
}

fn one(register: Encoding, sweep: &mut Sweep) {
    let known = lookup(register);
    let got = register.read();
    match known {
        Some(Use::Both | Use::Read) => sweep.judge(got.is_ok(), register, format_args!("read {got:x?}")),
        Some(Use::Write) | None => expect_undefined(got, register, "read", sweep),
        Some(Use::Free) => sweep.judge(matches!(got, Ok(_) | Err(UNDEFINED)), register, format_args!("read {got:x?}")),
    }
    match (known, got) {
        (Some(Use::Both), Ok(value)) => {
            // SAFETY: writes what was read.
            let got = unsafe { register.write(value) };
            sweep.judge(got.is_ok(), register, format_args!("write {got:x?}"));
        }
        (Some(Use::Read) | None, _) => {
            // SAFETY: no such register can be written at EL1; if it can, zero is what it is most likely to hold.
            expect_undefined(unsafe { register.write(0) }, register, "write", sweep);
        }
        _ => {}
    }
}

fn expect_undefined(got: Result<u64, Fault>, register: Encoding, what: &str, sweep: &mut Sweep) {
    // ID_AA64MMFR2_EL1.IDS: a read in the feature identification space is reported as a trap's.
    let in_space = what == "read" && register.2 == 0 && register.3 < 8 && matches!(register.1, 0 | 1 | 3);
    let right = got == Err(UNDEFINED) || in_space && got == Err(SYSTEM_TRAPPED);
    sweep.judge(right, register, format_args!("{what} {got:x?}"));
    if got.is_err() {
        sweep.judge(code::fault_was_there(), register, "the fault names another instruction");
    }
}
