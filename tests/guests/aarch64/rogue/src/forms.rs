//! Loads and stores in all forms, at an address without memory and at devices: what the processor describes is answered,
//! what it does not describe is an external abort.

use core::arch::naked_asm;
use guest_arm_rt::gic::{self, gicd};
use guest_arm_rt::paging::{self, DEVICE, UNCACHED};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::{EXTERNAL, UNDEFINED, attempt, data_abort, last_far};
use guest_arm_rt::{hypercall, println, serial, start_info, write_register};

/// A form: X0 is the address, and what it loads is returned.
struct Form {
    name: &'static str,
    code: unsafe extern "C" fn(u64) -> u64,
    want: Want,
}

enum Want {
    /// This value (of all-ones in memory).
    Value(u64),
    /// An external abort.
    Abort,
    /// An external abort, or UNDEFINED where the processor lacks it.
    AbortIfThere,
}

macro_rules! form {
    ($want:expr, $name:literal $(, $more:literal)*) => {{
        // SAFETY: a naked function with nothing but the instruction and the way back; X1 to X7 are free.
        #[unsafe(naked)]
        unsafe extern "C" fn code(_: u64) -> u64 {
            naked_asm!(".arch_extension fp", ".arch_extension simd", ".arch_extension lse", ".arch_extension rcpc",
                "mov x1, x0", "mov x0, xzr", $name, $($more,)* "ret")
        }
        Form { name: $name, code, want: $want }
    }};
}

/// Forms that ISV describes (Arm ARM, D24.2 "ESR_EL2").
fn described() -> [Form; 14] {
    [
        form!(Want::Value(0xff), "ldrb w0, [x1]"),
        form!(Want::Value(0xffff), "ldrh w0, [x1]"),
        form!(Want::Value(0xffff_ffff), "ldr w0, [x1]"),
        form!(Want::Value(u64::MAX), "ldr x0, [x1]"),
        form!(Want::Value(0xffff_ffff), "ldrsb w0, [x1]"),
        form!(Want::Value(u64::MAX), "ldrsb x0, [x1]"),
        form!(Want::Value(0xffff_ffff), "ldrsh w0, [x1]"),
        form!(Want::Value(u64::MAX), "ldrsh x0, [x1]"),
        form!(Want::Value(u64::MAX), "ldrsw x0, [x1]"),
        form!(Want::Value(u64::MAX), "ldr x0, [x1, xzr, lsl #3]"),
        form!(Want::Value(0xffff_ffff), "ldur w0, [x1, #0]"),
        form!(Want::Value(0xffff_ffff), "ldar w0, [x1]"),
        form!(Want::Value(0), "ldr xzr, [x1]"),
        form!(Want::Value(0), "stlr xzr, [x1]"),
    ]
}

/// Forms that it does not.
fn undescribed() -> [Form; 17] {
    [
        form!(Want::Abort, "ldp x0, x2, [x1]"),
        form!(Want::Abort, "ldp w0, w2, [x1]"),
        form!(Want::Abort, "stp xzr, xzr, [x1]"),
        form!(Want::Abort, "ldnp x0, x2, [x1]"),
        form!(Want::Abort, "ldr w0, [x1], #4"),
        form!(Want::Abort, "ldr w0, [x1, #0]!"),
        form!(Want::Abort, "str wzr, [x1], #4"),
        form!(Want::Abort, "ldxr w0, [x1]"),
        form!(Want::Abort, "ldaxp x0, x2, [x1]"),
        form!(Want::Abort, "ldr q0, [x1]"),
        form!(Want::Abort, "ldr s0, [x1]"),
        form!(Want::Abort, "str q0, [x1]"),
        form!(Want::Abort, "ld1 {{v0.16b}}, [x1]"),
        form!(Want::Abort, "ldp q0, q1, [x1]"),
        form!(Want::AbortIfThere, "ldadd w0, w0, [x1]"),
        form!(Want::AbortIfThere, "swp w0, w0, [x1]"),
        form!(Want::AbortIfThere, "cas w0, w0, [x1]"),
    ]
}

pub(crate) fn run() {
    if !hypercall::on_phalanx() {
        println!("# no forms: no Phalanx");
        return;
    }
    // SAFETY: FP and SIMD do not trap in the forms.
    unsafe { write_register!("cpacr_el1", 3_u64 << 20) };
    at_unowned();
    at_devices();
    zeroing();
    // SAFETY: as the runtime leaves it.
    unsafe { write_register!("cpacr_el1", 0_u64) };
}

fn try_all(forms: &[Form], page: u64, values: bool, sweep: &mut Sweep) {
    for Form { name, code, want } in forms {
        // SAFETY: the form touches the page and caller-saved registers.
        let got = attempt(|| unsafe { code(page) });
        let right = match want {
            Want::Value(value) => got == Ok(*value) || !values && got.is_ok(),
            Want::Abort => got == Err(data_abort(EXTERNAL)),
            Want::AbortIfThere => got == Err(data_abort(EXTERNAL)) || got == Err(UNDEFINED),
        };
        sweep.judge(right, format_args!("{name} at {page:#x}"), format_args!("{got:x?}"));
        if got == Err(data_abort(EXTERNAL)) {
            sweep.expect(format_args!("FAR of {name}"), last_far(), page);
        }
    }
}

fn at_unowned() {
    let mut sweep = Sweep::new("unowned-forms");
    let end = start_info::ram().iter().map(|range| range.end).max().unwrap_or(0);
    for (slot, address) in [0x1000_0000, end].into_iter().enumerate() {
        for attributes in [DEVICE, UNCACHED] {
            let page = paging::window(slot, address, attributes) as u64;
            try_all(&described(), page, true, &mut sweep);
            try_all(&undescribed(), page, true, &mut sweep);
        }
    }
    sweep.finish();
}

/// At registers of devices the values are the device's, and everything else is the same.
fn at_devices() {
    let mut sweep = Sweep::new("device-forms");
    for address in [gic::distributor() + gicd::IIDR, serial::BASE + 0xfe0, serial::BASE + 0x20] {
        // IIDR is not aligned for the widest forms, so the register behind it is taken.
        let page = paging::window(0, address & !0xf, DEVICE) as u64;
        try_all(&described()[..12], page, false, &mut sweep);
        try_all(&undescribed(), page, false, &mut sweep);
    }
    sweep.expect("the distributor is on", guest_arm_rt::mmio::read32(gic::distributor()) & 3 != 0, true);
    sweep.finish();
}

/// DC ZVA is a store without description; cache maintenance of nothing does nothing.
fn zeroing() {
    let mut sweep = Sweep::new("unowned-maintenance");
    let zero = form!(Want::Abort, "dc zva, x1");
    let page = paging::window(0, 0x1000_0000, UNCACHED) as u64;
    try_all(&[zero], page, true, &mut sweep);
    let maintenance = [
        form!(Want::Value(0), "dc civac, x1"),
        form!(Want::Value(0), "dc cvac, x1"),
        form!(Want::Value(0), "dc cvau, x1"),
        form!(Want::Value(0), "dc ivac, x1"),
        form!(Want::Value(0), "ic ivau, x1"),
        form!(Want::Value(0), "prfm pldl1keep, [x1]"),
        form!(Want::Value(0), "at s1e1r, x1"),
    ];
    for address in [0x1000_0000, 0x0900_0000, gic::distributor()] {
        let page = paging::window(0, address, UNCACHED) as u64;
        try_all(&maintenance, page, true, &mut sweep);
        sweep.expect(Hex(address), guest_arm_rt::read_register!("par_el1") & 0xffff_ffff_f001, address);
    }
    paging::close_window(0);
    sweep.finish();
}
