//! x2APIC mode: which registers exist, what they refuse, and that the memory page is gone.

use guest_rt::apic::{self, reg};
use guest_rt::report::{Hex, Sweep};
use guest_rt::trap::{Fault, GP};
use guest_rt::{clock, cpu, cpuid, irq, msr, println};

const FIRST: u32 = 0x800;
const VECTOR: u8 = 0x62;

/// Registers that RDMSR may read (Intel SDM vol. 3A, table 12-6), without the optional LVT CMCI.
fn is_readable(number: u32) -> bool {
    matches!(number, 2 | 3 | 8 | 0xa | 0xd | 0xf..=0x28 | 0x30 | 0x32..=0x39 | 0x3e)
}

/// Registers that WRMSR may write.
fn is_writable(number: u32) -> bool {
    matches!(number, 8 | 0xb | 0xf | 0x28 | 0x30 | 0x32..=0x38 | 0x3e | 0x3f)
}

/// Register, value: reserved bits.
const REFUSED: [(u32, u64); 13] = [
    (reg::TPR, 0x100),
    (reg::EOI, 1),
    (reg::SVR, 1 << 13),
    (reg::ESR, 1),
    (reg::ICR, 1 << 12),
    (reg::ICR, 1 << 16),
    (reg::ICR, 1 << 20),
    (reg::LVT_TIMER, 1 << 20),
    (reg::LVT_LINT0, 1 << 17),
    (reg::LVT_ERROR, 1 << 13),
    (reg::DIVIDE, 4),
    (reg::SELF_IPI, 0x100),
    (reg::SELF_IPI, 1 << 63),
];

pub(crate) fn run() {
    if !cpuid::has_x2apic() {
        println!("# no x2APIC");
        return;
    }
    apic::stop_timer();
    let id = apic::id();
    apic::enable_x2apic();
    registers();
    refused();
    priority();
    identity(id);
    modes();
    self_interrupt();
}

fn write(number: u32, value: u64) -> Result<(), Fault> {
    // SAFETY: a local APIC register; no interrupt command among them that goes anywhere.
    unsafe { msr::try_write(FIRST + number, value) }
}

fn registers() {
    let mut sweep = Sweep::new("x2apic-registers");
    for number in 0..0x100 {
        let got = msr::try_read(FIRST + number);
        let want = is_readable(number);
        sweep.judge(if want { got.is_ok() } else { got == Err(GP) }, Hex(number.into()), format_args!("read {got:x?}"));
        if !is_writable(number) {
            sweep.expect(Hex(number.into()), write(number, 0), Err(GP));
        }
    }
    sweep.finish();
}

fn refused() {
    let mut sweep = Sweep::new("x2apic-refused");
    for (number, value) in REFUSED {
        sweep.expect(format_args!("{number:#x} = {value:#x}"), write(number, value), Err(GP));
    }
    for number in (0..0x40).filter(|&number| is_writable(number) && number != reg::ICR) {
        sweep.expect(format_args!("{number:#x}, upper half"), write(number, 1 << 32), Err(GP));
    }
    sweep.finish();
}

/// The task priority is CR8, whichever of them is written.
fn priority() {
    let mut sweep = Sweep::new("x2apic-priority");
    for (value, class) in [(0x35, 3), (0xff, 15), (0, 0)] {
        sweep.expect(Hex(value), write(reg::TPR, value), Ok(()));
        sweep.expect(format_args!("CR8 after {value:#x}"), cpu::read_cr8(), class);
    }
    sweep.finish();
}

/// The id is the same, and the logical id follows from it (Intel SDM vol. 3A, 12.12.10.2).
fn identity(id: u32) {
    let mut sweep = Sweep::new("x2apic-identity");
    sweep.expect("id", apic::read(reg::ID), id);
    sweep.expect("logical id", apic::read(reg::LDR), (id >> 4) << 16 | 1 << (id & 0xf));
    let page = apic::mmio(reg::VERSION);
    // SAFETY: in this mode nothing is at the address.
    unsafe { page.write_volatile(0) };
    // SAFETY: as above.
    sweep.expect("the page", unsafe { page.read_volatile() }, u32::MAX);
    sweep.finish();
}

/// There is no direct way back to xAPIC mode (Intel SDM vol. 3A, figure 12-27).
fn modes() {
    let mut sweep = Sweep::new("x2apic-modes");
    let base = msr::read(msr::APIC_BASE);
    sweep.expect("mode bits", base & 0xc00, 0xc00);
    for bits in [0x800, 0x400] {
        // SAFETY: refused; the mode stays.
        let got = unsafe { msr::try_write(msr::APIC_BASE, base & !0xc00 | bits) };
        sweep.expect(Hex(bits), got, Err(GP));
    }
    sweep.expect("APIC_BASE", msr::read(msr::APIC_BASE), base);
    sweep.finish();
}

fn self_interrupt() {
    let mut sweep = Sweep::new("x2apic-self-ipi");
    irq::forget(VECTOR);
    for _ in 0..10 {
        sweep.expect("write", write(reg::SELF_IPI, VECTOR.into()), Ok(()));
        cpu::enable_interrupts();
        let came = irq::received(VECTOR);
        clock::within(1000, || irq::received(VECTOR) > came);
        cpu::disable_interrupts();
    }
    sweep.expect("arrived", irq::received(VECTOR), 10);
    sweep.finish();
}
