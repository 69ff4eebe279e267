//! Hypercalls: the numbers that exist, and everything else.

use crate::probe;
use crate::probe::{Probe, Want};
use guest_rt::hypercall::{
    BASE, DIRTY_LOG, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EXIT_COUNT, NULL, VERSION, call, on_phalanx, vmcall, vmmcall,
};
use guest_rt::report::{self, Hex, Sweep};
use guest_rt::trap::{Fault, UD, attempt};
use guest_rt::user::{self, Registers};
use guest_rt::{cpuid, port, println};

const ABI_VERSION: i64 = 1;
const COUNTERS_TRIED: u64 = 64;
/// Index of the counter of port accesses.
const PORT_COUNTER: u64 = 3;
const JUNK: [u64; 3] = [u64::MAX, 0xdead_beef_0000_0001, 1 << 63];

pub(crate) fn run() {
    if !on_phalanx() {
        println!("# no hypercalls: no Phalanx");
        return;
    }
    numbers();
    counters();
    from_ring_3();
    foreign();
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

/// Every counter answers, none beyond the last, and the one of ports counts ports.
fn counters() {
    let mut sweep = Sweep::new("hypercall-counters");
    let known = (0..COUNTERS_TRIED).take_while(|&index| call(EXIT_COUNT, [index, 0, 0]) >= 0).count() as u64;
    sweep.judge(known > PORT_COUNTER, "number of counters", known);
    for index in (known..COUNTERS_TRIED).chain(JUNK).chain([1 << 32, 1 << 32 | PORT_COUNTER]) {
        sweep.expect(Hex(index), call(EXIT_COUNT, [index, 0, 0]), EINVAL);
    }
    let before = call(EXIT_COUNT, [PORT_COUNTER, 0, 0]);
    for _ in 0..10 {
        sweep.expect("a port", port::read8(0x80), 0xff);
    }
    sweep.expect("ten port reads", call(EXIT_COUNT, [PORT_COUNTER, 0, 0]) - before, 10);
    sweep.finish();
}

/// An application gets EPERM for any number.
fn from_ring_3() {
    let amd = probe!("vmmcall", Want::Untried, Want::Runs, "mov rax, rdi", "vmmcall");
    let intel = probe!("vmcall", Want::Untried, Want::Runs, "mov rax, rdi", "vmcall");
    let probe: Probe = if cpuid::is_amd() { amd } else { intel };
    let mut sweep = Sweep::new("hypercall-ring-3");
    for number in [NULL, VERSION, EXIT_COUNT, DIRTY_LOG, BASE + 4, 0, u64::MAX] {
        // SAFETY: two instructions without memory operands.
        let got = unsafe { user::run(probe.ring3 as *const u8, Registers { rdi: number, ..Registers::default() }) };
        sweep.expect(Hex(number), got, Ok(EPERM as u64));
    }
    sweep.finish();
}

/// The other vendor's instruction: #UD, or the same answer.
fn foreign() {
    let foreign = if cpuid::is_amd() { vmcall } else { vmmcall };
    let got: Result<i64, Fault> = attempt(|| foreign(0, [0; 3]));
    report::check("hypercall-foreign", matches!(got, Err(UD) | Ok(ENOSYS)), true);
}
