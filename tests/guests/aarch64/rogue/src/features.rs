//! Instructions that come with a feature: they work where the identification registers offer it, and are UNDEFINED where
//! not. FP and SIMD trap as CPACR_EL1 says.

use crate::abilities::Ability::{self, *};
use crate::code;
use guest_arm_rt::racy::Racy;
use guest_arm_rt::report::Sweep;
use guest_arm_rt::trap::{FP_TRAPPED, Fault, SVE_TRAPPED, UNDEFINED};
use guest_arm_rt::{hypercall, read_register, write_register};

const FP: u64 = 3 << 20;
const SVE: u64 = 3 << 16;
const SME: u64 = 3 << 24;

/// Name, instruction, feature, CPACR_EL1. X0 is the address of a buffer.
#[rustfmt::skip]
const PROBES: [(&str, u32, Ability, u64); 16] = [
    ("ptrue p0.b", 0x2518_e3e0, Sve, FP | SVE),
    ("rdvl x0, #1", 0x04bf_5020, Sve, FP | SVE),
    ("mrs x0, zcr_el1", 0xd538_1200, Sve, FP | SVE),
    ("rdsvl x0, #1", 0x04bf_5820, Sme, FP | SVE | SME),
    ("smstart", 0xd503_477f, Sme, FP | SVE | SME),
    ("smstop", 0xd503_467f, Sme, FP | SVE | SME),
    ("mrs x0, smcr_el1", 0xd538_12c0, Sme, FP | SVE | SME),
    ("irg x0, x0", 0x9adf_1000, MteInstructions, 0),
    ("addg x0, x0, #0, #0", 0x9180_0000, MteInstructions, 0),
    ("mrs x0, gcr_el1", 0xd538_10c0, Mte, 0),
    ("mrs x0, pmccntr_el0", 0xd53b_9d00, Performance, 0),
    ("mrs x0, pmcr_el0", 0xd53b_9c00, Performance, 0),
    ("mrs x0, apiakeylo_el1", 0xd538_2100, Pointers, 0),
    ("pacga x0, x0, x0", 0x9ac0_3000, Pointers, 0),
    ("mrs x0, rndr", 0xd53b_2400, Random, 0),
    ("mrs x0, erridr_el1", 0xd538_5300, Ras, 0),
];

/// Hints, which run on every processor: PACIASP with AUTIASP left out, BTI, ESB, PSB, TSB, CSDB, DGH.
const HINTS: [(&str, u32); 8] = [
    ("bti c", 0xd503_245f),
    ("bti j", 0xd503_249f),
    ("esb", 0xd503_221f),
    ("psb csync", 0xd503_223f),
    ("tsb csync", 0xd503_225f),
    ("csdb", 0xd503_229f),
    ("dgh", 0xd503_20df),
    ("xpaclri", 0xd503_20ff),
];

#[repr(C, align(64))]
struct Buffer([u64; 8]);
static BUFFER: Racy<Buffer> = Racy::new(Buffer([0; 8]));

pub(crate) fn run() {
    if hypercall::on_phalanx() {
        offered();
    }
    hints();
    floating_point();
    // SAFETY: as the runtime leaves it.
    unsafe { write_register!("cpacr_el1", 0_u64) };
}

/// Runs an instruction under a value of CPACR_EL1.
fn under(cpacr: u64, instruction: u32) -> Result<u64, Fault> {
    // SAFETY: what traps at EL1 is not used by compiled code.
    unsafe { write_register!("cpacr_el1", cpacr) };
    // SAFETY: the instructions here change X0 and vector registers at most.
    unsafe { code::execute(instruction, BUFFER.get() as u64) }
}

fn offered() {
    let mut sweep = Sweep::new("features");
    for (name, instruction, ability, cpacr) in PROBES {
        let got = under(cpacr, instruction);
        // Nothing traps tag instructions, so they cannot be hidden from a processor that has them.
        let shows = ability == MteInstructions && got.is_ok();
        let right = if ability.is_offered() { got.is_ok() } else { got == Err(UNDEFINED) || shows };
        sweep.judge(right, name, format_args!("{got:x?}, offered: {}", ability.is_offered()));
    }
    // With everything closed at EL1 the answer is EL1's own trap where the feature exists, else UNDEFINED.
    let got = under(0, 0x2518_e3e0);
    sweep.judge(
        matches!(got, Err(SVE_TRAPPED | UNDEFINED | FP_TRAPPED)),
        "ptrue without CPACR",
        format_args!("{got:x?}"),
    );
    sweep.finish();
}

fn hints() {
    let mut sweep = Sweep::new("hints");
    for (name, instruction) in HINTS {
        let got = under(0, instruction);
        sweep.judge(got.is_ok(), name, format_args!("{got:x?}"));
    }
    sweep.finish();
}

/// CPACR_EL1.FPEN: 0 and 2 trap both levels, 1 traps EL0, 3 nothing.
fn floating_point() {
    /// fmov d0, x0; ldr q0, [x0]; mrs x0, fpcr.
    const INSTRUCTIONS: [u32; 3] = [0x9e67_0000, 0x3dc0_0000, 0xd53b_4400];
    let mut sweep = Sweep::new("fp-traps");
    for fpen in 0..4_u64 {
        for instruction in INSTRUCTIONS {
            let got = under(fpen << 20, instruction).map(|_| ());
            let want = if fpen & 1 != 0 { Ok(()) } else { Err(FP_TRAPPED) };
            sweep.expect(format_args!("{instruction:#x} with FPEN {fpen}"), got, want);
        }
        // SAFETY: moves X0 to a vector register.
        let got = unsafe { code::execute_at_el0(INSTRUCTIONS[0], 0) }.map(|_| ());
        sweep.expect(format_args!("EL0 with FPEN {fpen}"), got, if fpen == 3 { Ok(()) } else { Err(FP_TRAPPED) });
    }
    sweep.expect("CPACR keeps its value", read_register!("cpacr_el1") & FP, FP);
    sweep.finish();
}
