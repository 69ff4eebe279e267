//! The hypervisor's own faults: each ends in a crash card that says what happened.

use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_arch_aarch64::gic::Version;
use phalanx_arch_aarch64::host::gic::{GicV2, GicV3, version};
use phalanx_arch_aarch64::host::{PerCpu, idle, instr, kick};
use phalanx_arch_api::CpuIndex;

use crate::bench::Bench;
use crate::report::want_crash;

/// A store to the code.
pub(crate) fn text_write(bench: Bench) {
    want_crash(&["crash: data abort from EL2: permission fault", "on a write", "no vCPU running"]);
    let text = core::ptr::with_exposed_provenance_mut::<u64>(bench.image.sections[0].start.as_u64() as usize);
    // SAFETY: faults.
    unsafe { text.write_volatile(0) };
}

/// A store to the constants.
pub(crate) fn constant_write(bench: Bench) {
    want_crash(&["crash: data abort from EL2: permission fault", "on a write"]);
    let constant = core::ptr::with_exposed_provenance_mut::<u64>(bench.image.sections[1].start.as_u64() as usize);
    // SAFETY: faults.
    unsafe { constant.write_volatile(0) };
}

/// A jump into the data.
pub(crate) fn data_execute(_: Bench) {
    static RETURN: AtomicBool = AtomicBool::new(false);
    want_crash(&["crash: instruction abort from EL2: permission fault"]);
    // SAFETY: faults.
    unsafe { asm!("blr {}", in(reg) RETURN.as_ptr(), clobber_abi("C")) };
}

/// A load through a null pointer.
pub(crate) fn null_read(_: Bench) {
    want_crash(&["crash: data abort from EL2: translation fault", "on a read", "far 0000000000000008"]);
    // SAFETY: faults.
    unsafe { asm!("ldr {}, [{}]", out(reg) _, in(reg) 8u64, options(nostack)) };
}

/// An undefined instruction; the card has the registers of that moment.
pub(crate) fn undefined(_: Bench) {
    want_crash(&["x05 00000000deadbeef", "x28 0123456789abcdef"]);
    // SAFETY: faults.
    unsafe {
        asm!("udf #0", in("x5") 0xdead_beef_u64, in("x28") 0x0123_4567_89ab_cdef_u64, options(nostack));
    }
}

/// A stack that is used up.
pub(crate) fn stack(_: Bench) {
    want_crash(&["the boot stack is used up", "crash: data abort from EL2: translation fault"]);
    overflow(1);
}

#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == 0 { 0 } else { overflow(depth + 1) + frame[(depth % 64) as usize] }
}

/// A panic.
pub(crate) fn panic(_: Bench) {
    want_crash(&["tests/units/aarch64/src/crash.rs", "on purpose", "on CPU 0"]);
    panic!("on purpose");
}

/// A fault of another CPU, on its own stack.
pub(crate) fn other_cpu(mut bench: Bench) {
    want_crash(&["the kernel stack is used up", "on CPU 1"]);
    let _ = bench.host.start_other_cpus(fault_when_kicked);
    kick(CpuIndex(1));
    instr::halt_forever();
}

fn fault_when_kicked(cpu: &'static PerCpu) -> ! {
    while !cpu.kicked.load(Ordering::Relaxed) {
        match version() {
            Version::V2 => idle::<GicV2>(cpu),
            Version::V3 => idle::<GicV3>(cpu),
        }
    }
    if cpu.index == CpuIndex(1) {
        overflow(1);
    }
    instr::halt_forever()
}
