//! HVC and SMC: every immediate, what changes in the registers, and Phalanx's own numbers.

use crate::code;
use core::arch::naked_asm;
use guest_arm_rt::hypercall::{self, BASE, DIRTY_LOG, EINVAL, ENOSYS, EOPNOTSUPP, EXIT_COUNT, NULL, VERSION, call};
use guest_arm_rt::paging::{self, DEVICE};
use guest_arm_rt::psci::{self, NOT_SUPPORTED};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::UNDEFINED;
use guest_arm_rt::{mmio, println};

const HVC: u32 = 0xd400_0002;
const SMC: u32 = 0xd400_0003;
const ABI_VERSION: i64 = 1;
const COUNTERS_TRIED: u64 = 64;
/// Index of the counter of accesses to unbacked addresses.
const UNBACKED_COUNTER: u64 = 6;
/// An address behind which nothing is.
const NOWHERE: u64 = 0x1000_0000;
const JUNK: [u64; 3] = [u64::MAX, 0xdead_beef_0000_0001, 1 << 63];
/// Registers that are watched: X0 to X28.
const WATCHED: usize = 29;

pub(crate) fn run() {
    preserved();
    from_el0();
    if !hypercall::on_phalanx() {
        println!("# no hypercalls: no Phalanx");
        return;
    }
    immediates("hvc-immediates", HVC, &[0, 0x5048]);
    immediates("smc-immediates", SMC, &[0]);
    numbers();
    counters();
}

/// Every immediate but the ones with a meaning answers NOT_SUPPORTED.
fn immediates(name: &'static str, instruction: u32, meant: &[u32]) {
    let mut sweep = Sweep::new(name);
    for immediate in (0..0x1_0000).filter(|immediate| !meant.contains(immediate)) {
        // SAFETY: changes X0 only.
        let got = unsafe { code::execute(instruction | immediate << 5, psci::VERSION.into()) };
        sweep.expect(Hex(immediate.into()), got, Ok(NOT_SUPPORTED as u64));
    }
    sweep.finish();
}

fn numbers() {
    let mut sweep = Sweep::new("hypercall-numbers");
    for arguments in [[0; 3], JUNK] {
        sweep.expect("null", call(NULL, arguments), 0);
        sweep.expect("version", call(VERSION, arguments), ABI_VERSION);
        sweep.expect("the log that this domain has not", call(DIRTY_LOG, arguments), EOPNOTSUPP);
        let small = 0..0x100;
        let near = (BASE + 4..BASE + 0x100).chain(BASE - 0x10..BASE);
        let odd = [u64::MAX, 1 << 63, BASE << 32, BASE | 1 << 32, BASE | 1 << 63, 0xffff_ffff, i64::MIN as u64];
        for number in small.chain(near).chain(odd) {
            sweep.expect(Hex(number), call(number, arguments), ENOSYS);
        }
    }
    sweep.finish();
}

/// Every counter answers, none beyond the last, and the one of unbacked accesses counts them.
fn counters() {
    let mut sweep = Sweep::new("hypercall-counters");
    let known = (0..COUNTERS_TRIED).take_while(|&index| call(EXIT_COUNT, [index, 0, 0]) >= 0).count() as u64;
    sweep.judge(known > UNBACKED_COUNTER, "number of counters", known);
    for index in (known..COUNTERS_TRIED).chain(JUNK).chain([1 << 32, 1 << 32 | UNBACKED_COUNTER]) {
        sweep.expect(Hex(index), call(EXIT_COUNT, [index, 0, 0]), EINVAL);
    }
    let at = paging::window(0, NOWHERE, DEVICE) as u64;
    let before = call(EXIT_COUNT, [UNBACKED_COUNTER, 0, 0]);
    for _ in 0..10 {
        sweep.expect("a read", mmio::read32(at), u32::MAX);
    }
    sweep.expect("ten reads", call(EXIT_COUNT, [UNBACKED_COUNTER, 0, 0]) - before, 10);
    sweep.finish();
}

/// HVC and SMC are UNDEFINED at EL0.
fn from_el0() {
    let mut sweep = Sweep::new("calls-el0");
    for instruction in [HVC, SMC, HVC | 0x5048 << 5, SMC | 0x5048 << 5] {
        // SAFETY: raises an exception.
        let got = unsafe { code::execute_at_el0(instruction, psci::VERSION.into()) };
        sweep.expect(Hex(instruction.into()), got, Err(UNDEFINED));
    }
    sweep.finish();
}

macro_rules! exchange {
    ($name:ident, $instruction:literal) => {
        #[doc = concat!("Loads X0 to X28, executes `", $instruction, "`, and stores them back.")]
        // SAFETY: what the ABI wants kept is kept on the stack, as is the array's address.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(registers: &mut [u64; WATCHED]) {
            naked_asm!(
                "sub sp, sp, #112",
                "stp x19, x20, [sp]",
                "stp x21, x22, [sp, #16]",
                "stp x23, x24, [sp, #32]",
                "stp x25, x26, [sp, #48]",
                "stp x27, x28, [sp, #64]",
                "stp x29, x30, [sp, #80]",
                "str x0, [sp, #96]",
                "mov x30, x0",
                "ldp x0, x1, [x30]",
                "ldp x2, x3, [x30, #16]",
                "ldp x4, x5, [x30, #32]",
                "ldp x6, x7, [x30, #48]",
                "ldp x8, x9, [x30, #64]",
                "ldp x10, x11, [x30, #80]",
                "ldp x12, x13, [x30, #96]",
                "ldp x14, x15, [x30, #112]",
                "ldp x16, x17, [x30, #128]",
                "ldp x18, x19, [x30, #144]",
                "ldp x20, x21, [x30, #160]",
                "ldp x22, x23, [x30, #176]",
                "ldp x24, x25, [x30, #192]",
                "ldp x26, x27, [x30, #208]",
                "ldr x28, [x30, #224]",
                $instruction,
                "ldr x30, [sp, #96]",
                "stp x0, x1, [x30]",
                "stp x2, x3, [x30, #16]",
                "stp x4, x5, [x30, #32]",
                "stp x6, x7, [x30, #48]",
                "stp x8, x9, [x30, #64]",
                "stp x10, x11, [x30, #80]",
                "stp x12, x13, [x30, #96]",
                "stp x14, x15, [x30, #112]",
                "stp x16, x17, [x30, #128]",
                "stp x18, x19, [x30, #144]",
                "stp x20, x21, [x30, #160]",
                "stp x22, x23, [x30, #176]",
                "stp x24, x25, [x30, #192]",
                "stp x26, x27, [x30, #208]",
                "str x28, [x30, #224]",
                "ldp x29, x30, [sp, #80]",
                "ldp x27, x28, [sp, #64]",
                "ldp x25, x26, [sp, #48]",
                "ldp x23, x24, [sp, #32]",
                "ldp x21, x22, [sp, #16]",
                "ldp x19, x20, [sp]",
                "add sp, sp, #112",
                "ret",
            )
        }
    };
}

exchange!(exchange_hvc, "hvc #0");
exchange!(exchange_smc, "smc #0");
exchange!(exchange_hypercall, "hvc #0x5048");

/// SMCCC 1.1: X4 to X30 stay as they are; a hypercall changes X0 only.
fn preserved() {
    let mut sweep = Sweep::new("calls-preserve");
    let pattern = |first: u64| {
        let mut registers: [u64; WATCHED] = core::array::from_fn(|number| 0x1111_0000_0000_1111 * number as u64);
        registers[0] = first;
        registers
    };
    let functions = [psci::VERSION, psci::FEATURES, psci::AFFINITY_INFO_64, psci::SMCCC_VERSION, 0x8400_ffff];
    for function in functions {
        for exchange in [exchange_hvc, exchange_smc] {
            if exchange as usize == exchange_smc as *const () as usize && !hypercall::on_phalanx() {
                continue;
            }
            let mut registers = pattern(function.into());
            // SAFETY: none of the functions ends anything.
            unsafe { exchange(&mut registers) };
            sweep.expect(Hex(function.into()), &registers[4..], &pattern(0)[4..]);
        }
    }
    for number in [NULL, VERSION, BASE + 99, 0] {
        if hypercall::on_phalanx() {
            let mut registers = pattern(number);
            // SAFETY: changes X0 only.
            unsafe { exchange_hypercall(&mut registers) };
            sweep.expect(Hex(number), &registers[1..], &pattern(0)[1..]);
        }
    }
    sweep.finish();
}
