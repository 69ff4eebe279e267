//! Operations that end in the guest's interrupt handler.

use crate::batch::{Batch, OPERATIONS};
use core::arch::asm;
use guest_arm_rt::gic::{self, v2, v3};
use guest_arm_rt::timer::{self, virtual_timer};
use guest_arm_rt::{cpu, report, smp, start_info};

/// The SGI that asks.
const SGI: u32 = 1;
/// The SGI that answers.
const ANSWER: u32 = 2;
/// Turns of a waiting loop in a whole batch before the interrupt counts as lost.
const PATIENCE: u64 = 100_000_000;
/// Ticks from arming to the deadline: longer than the writes that arm take.
const AHEAD: u64 = 20_000;

/// A function that runs `$trigger` and waits for the handler, [`OPERATIONS`] times. In the loop: X20 the counter at the
/// start of the operation, or the deadline; X22 the interrupts asked for; X27 `$argument`, X28 the CPU interface of a
/// GICv2. The vector leaves the counter in X24 and goes on at `9:` by X26: `$quiet` silences the source, `$end`
/// acknowledges and ends the interrupt, X23 counts. X25 adds up X24 - X20. `$result` is that sum (X25), or the ticks
/// of the whole batch (X0).
macro_rules! interrupt_loop {
    ($(#[$doc:meta])* $name:ident, $argument:expr, [$($trigger:literal),+], [$($wait:literal),*], [$($quiet:literal),*],
     [$($end:literal),+], $result:literal) => {
        $(#[$doc])*
        #[inline(never)]
        pub(crate) fn $name() -> Batch {
            let (ticks, missed): (u64, u64);
            // SAFETY: interrupts are on inside the block only, and their handler touches only what is declared here.
            unsafe {
                asm!(
                    "adr x26, 9f",
                    "isb", "mrs x0, cntvct_el0",
                    "msr daifclr, #2",
                    ".p2align 4", "2:", $($trigger,)+
                    "add x22, x22, #1",
                    "3:", $($wait,)* "cmp x23, x22", "b.eq 4f",
                    "subs x3, x3, #1", "b.ne 3b", "b 5f",
                    "4: sub x24, x24, x20", "add x25, x25, x24",
                    "subs x21, x21, #1", "b.ne 2b",
                    "5: msr daifset, #2",
                    "mrs x1, cntvct_el0", "sub x0, x1, x0",
                    concat!("mov x20, ", $result),
                    "b 8f",
                    "9:", $($quiet,)* $($end,)+ "add x23, x23, #1", "eret",
                    "8:",
                    out("x20") ticks, inout("x21") OPERATIONS => missed, inout("x22") 0_u64 => _, inout("x23") 0_u64 => _,
                    out("x24") _, inout("x25") 0_u64 => _, out("x26") _, in("x27") $argument, in("x28") v2::interface(),
                    out("x0") _, out("x1") _, out("x2") _, inout("x3") PATIENCE => _, in("x4") timer::ENABLE,
                    out("x5") _, options(nostack),
                );
            }
            Batch { ticks, missed }
        }
    };
}

/// The same loop for both versions: they differ in how an interrupt is acknowledged and ended (2 instructions each).
macro_rules! both_versions {
    ($(#[$doc:meta])* $v2:ident, $v3:ident, $argument:expr, $trigger:tt, $wait:tt, $quiet:tt, $result:literal) => {
        interrupt_loop!($(#[$doc])* $v2, $argument, $trigger, $wait, $quiet,
            ["ldr w2, [x28, #0xc]", "str w2, [x28, #0x10]"], $result);
        interrupt_loop!($(#[$doc])* $v3, $argument, $trigger, $wait, $quiet,
            ["mrs x2, S3_0_C12_C12_0", "msr S3_0_C12_C12_1, x2"], $result);
    };
}

/// The value of GICD_SGIR that sends [`SGI`] to this CPU, and where it goes.
fn to_self_v2() -> u64 {
    gic::distributor() + gic::gicd::SGIR
}

fn to_self_v3() -> u64 {
    v3::sgi_value(SGI, cpu::affinity())
}

interrupt_loop!(
    /// GICD_SGIR to itself, to the first instruction of the handler: between the two readings lies the store.
    self_sgi_v2, to_self_v2(), ["mov w5, #1", "movk w5, #0x200, lsl #16", "mrs x20, cntvct_el0", "str w5, [x27]"], [], [],
    ["ldr w2, [x28, #0xc]", "str w2, [x28, #0x10]"], "x25"
);
interrupt_loop!(
    /// The same with acknowledgement and EOI, all of the loop: 4 + 1 + 2 + 4 instructions, and 6 of the handler.
    self_sgi_eoi_v2, to_self_v2(), ["mov w5, #1", "movk w5, #0x200, lsl #16", "mrs x20, cntvct_el0", "str w5, [x27]"], [], [],
    ["ldr w2, [x28, #0xc]", "str w2, [x28, #0x10]"], "x0"
);
interrupt_loop!(
    /// ICC_SGI1R_EL1 to itself, to the first instruction of the handler: between the two readings lies the MSR.
    self_sgi_v3, to_self_v3(), ["mrs x20, cntvct_el0", "msr S3_0_C12_C11_5, x27"], [], [],
    ["mrs x2, S3_0_C12_C12_0", "msr S3_0_C12_C12_1, x2"], "x25"
);
interrupt_loop!(
    /// The same with acknowledgement and EOI, all of the loop: 2 + 1 + 2 + 4 instructions, and 6 of the handler.
    self_sgi_eoi_v3, to_self_v3(), ["mrs x20, cntvct_el0", "msr S3_0_C12_C11_5, x27"], [], [],
    ["mrs x2, S3_0_C12_C12_0", "msr S3_0_C12_C12_1, x2"], "x0"
);
both_versions!(
    /// The virtual timer's deadline, to the first instruction of the handler, from a loop of 4 instructions that spins:
    /// the guest's part is the one reading in the handler.
    timer_v2, timer_v3, AHEAD,
    ["mrs x20, cntvct_el0", "add x20, x20, x27", "msr cntv_cval_el0, x20", "msr cntv_ctl_el0, x4"],
    [], ["msr cntv_ctl_el0, xzr", "isb"], "x25"
);
both_versions!(
    /// The same from WFI, with IRQs masked meanwhile so that no wake-up is lost: the guest's part is the MSR that unmasks
    /// them and the reading in the handler.
    timer_wfi_v2, timer_wfi_v3, AHEAD,
    ["msr daifset, #2", "mrs x20, cntvct_el0", "add x20, x20, x27", "msr cntv_cval_el0, x20", "msr cntv_ctl_el0, x4"],
    ["wfi", "msr daifclr, #2", "isb", "msr daifset, #2"], ["msr cntv_ctl_el0, xzr", "isb"], "x25"
);

/// Enables the timer's interrupt for the loops above.
pub(crate) fn prepare() {
    gic::enable(timer::VIRTUAL);
}

/// Stops the timer.
pub(crate) fn finish() {
    virtual_timer::set_control(0);
    gic::disable(timer::VIRTUAL);
}

/// A function that sends, waits and ends [`OPERATIONS`] times with IRQs masked: `$send` is one instruction, WFI ends for
/// the pending interrupt, and `$acknowledge` and `$end` have one each; the loop adds 4 instructions and as many again on
/// the other CPU.
macro_rules! partner_loop {
    ($(#[$doc:meta])* $name:ident, $argument:expr, $send:literal, $acknowledge:literal, $end:literal) => {
        $(#[$doc])*
        #[inline(never)]
        pub(crate) fn $name() -> Batch {
            let ticks: u64;
            // SAFETY: interrupts stay masked; only registers that are declared change.
            unsafe {
                asm!(
                    "isb", "mrs x20, cntvct_el0",
                    ".p2align 4", "2:", $send,
                    "3: wfi", $acknowledge, "cmp w2, #1023", "b.eq 3b", $end,
                    "subs x21, x21, #1", "b.ne 2b",
                    "mrs x0, cntvct_el0", "sub x20, x0, x20",
                    out("x20") ticks, inout("x21") OPERATIONS => _, in("x27") $argument.0, in("x28") v2::interface(),
                    out("x0") _, out("x2") _, in("x5") $argument.1, options(nostack),
                );
            }
            Batch { ticks, missed: 0 }
        }
    };
}

/// Where GICD_SGIR is, and what sends `intid` to CPU interface `number`.
fn request_v2(intid: u32, number: usize) -> (u64, u64) {
    (gic::distributor() + gic::gicd::SGIR, u64::from(intid) | 1 << (16 + number))
}

/// What ICC_SGI1R_EL1 takes to send `intid` to CPU `number`.
fn request_v3(intid: u32, number: usize) -> (u64, u64) {
    (v3::sgi_value(intid, start_info::cpus()[number]), 0)
}

partner_loop!(
    /// An SGI to the other CPU and its answer, by GICD_SGIR.
    sgi_v2, request_v2(SGI, 1), "str w5, [x27]", "ldr w2, [x28, #0xc]", "str w2, [x28, #0x10]"
);
partner_loop!(
    /// An SGI to the other CPU and its answer, by ICC_SGI1R_EL1.
    sgi_v3, request_v3(SGI, 1), "msr S3_0_C12_C11_5, x27", "mrs x2, S3_0_C12_C12_0", "msr S3_0_C12_C12_1, x2"
);

/// Starts the second CPU, which answers each [`SGI`] with [`ANSWER`].
pub(crate) fn start_partner() -> bool {
    let started = smp::start(start_info::cpus()[1], 1, answer_for_ever);
    report::check("partner-starts", started, Ok(()));
    started.is_ok()
}

fn answer_for_ever(_: usize) {
    let (v2_place, v2_value) = request_v2(ANSWER, 0);
    let (v3_value, _) = request_v3(ANSWER, 0);
    if gic::is_v3() {
        // SAFETY: interrupts stay masked; only registers that are declared change.
        unsafe {
            asm!("3: wfi", "mrs x2, S3_0_C12_C12_0", "cmp w2, #1023", "b.eq 3b", "msr S3_0_C12_C12_1, x2",
                "msr S3_0_C12_C11_5, {}", "b 3b", in(reg) v3_value, options(noreturn));
        }
    }
    // SAFETY: as above.
    unsafe {
        asm!("3: wfi", "ldr w2, [{interface}, #0xc]", "cmp w2, #1023", "b.eq 3b", "str w2, [{interface}, #0x10]",
            "str {value:w}, [{place}]", "b 3b",
            interface = in(reg) v2::interface(), value = in(reg) v2_value, place = in(reg) v2_place, options(noreturn));
    }
}
