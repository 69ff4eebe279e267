//! CPUID leaf by leaf: what must be there, what must be zero.

use guest_rt::cpuid::{self, Leaf};
use guest_rt::hypercall;
use guest_rt::report::{Hex, Sweep, check};

const KVM: [u8; 12] = *b"KVMKVMKVM\0\0\0";
const PHALANX: [u8; 12] = *b"PhalanxPhlnx";
/// CLOCKSOURCE, NOP_IO_DELAY, CLOCKSOURCE2, CLOCKSOURCE_STABLE.
const KVM_FEATURES: u32 = 1 | 1 << 1 | 1 << 3 | 1 << 24;
const EXTENDED: u32 = 0x8000_0000;

pub(crate) fn run() {
    hypervisor();
    hidden();
    maxima();
    topology();
    xsave();
}

fn hypervisor() {
    check("cpuid-hypervisor-bit", cpuid::read(1, 0).ecx >> 31, 1);
    check("cpuid-kvm", cpuid::signature(0x4000_0000), KVM);
    check("cpuid-kvm-max", cpuid::read(0x4000_0000, 0).eax, 0x4000_0001);
    check("cpuid-kvm-features", cpuid::read(0x4000_0001, 0), Leaf { eax: KVM_FEATURES, ..Leaf::default() });
    check("cpuid-phalanx", cpuid::signature(0x4000_0100), PHALANX);
    check("cpuid-phalanx-max", cpuid::read(0x4000_0100, 0).eax, 0x4000_0101);
    check("cpuid-phalanx-abi", cpuid::read(0x4000_0101, 0).eax, 1);
    check("on-phalanx", hypercall::on_phalanx(), true);
}

/// Leaves that describe what is hidden: MONITOR (5), power (6, ARAT apart), PMU (0xa), RDT (0xf, 0x10), SGX (0x12), PT
/// (0x14), SVM (0x8000_000a), IBS, SEV, and the rest of the hypervisor range.
fn hidden() {
    let mut sweep = Sweep::new("cpuid-hidden-leaves");
    let (basic, extended) = (cpuid::read(0, 0).eax, cpuid::read(EXTENDED, 0).eax);
    let leaves = [3, 5, 8, 9, 0xa, 0xc, 0xe, 0xf, 0x10, 0x11, 0x12, 0x13, 0x14, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c];
    for leaf in leaves.into_iter().filter(|&leaf| leaf <= basic) {
        sweep.expect(Hex(leaf.into()), cpuid::read(leaf, 0), Leaf::default());
    }
    let arat = Leaf { eax: 1 << 2, ..Leaf::default() };
    sweep.expect("6", cpuid::read(6, 0), arat);
    let leaves = [0xa, 0x1b, 0x1c, 0x1f, 0x20, 0x22, 0x23, 0x26].map(|leaf| EXTENDED + leaf);
    for leaf in leaves.into_iter().filter(|&leaf| leaf <= extended) {
        sweep.expect(Hex(leaf.into()), cpuid::read(leaf, 0), Leaf::default());
    }
    for leaf in (2..0x100).chain(0x102..0x200) {
        let leaf = 0x4000_0000 + leaf;
        sweep.expect(Hex(leaf.into()), cpuid::read(leaf, 0), Leaf::default());
    }
    for leaf in [0x4000_1000, 0x4fff_ffff, 0x4100_0000] {
        sweep.expect(Hex(leaf.into()), cpuid::read(leaf, 0), Leaf::default());
    }
    sweep.finish();
}

/// Above the highest leaf: zero on AMD, the highest basic leaf on Intel.
fn maxima() {
    let mut sweep = Sweep::new("cpuid-maxima");
    let (basic, extended) = (cpuid::read(0, 0).eax, cpuid::read(EXTENDED, 0).eax);
    sweep.judge((0xb..0x100).contains(&basic), "basic", Hex(basic.into()));
    sweep.judge((EXTENDED + 8..EXTENDED + 0x100).contains(&extended), "extended", Hex(extended.into()));
    let above = if cpuid::is_amd() { Leaf::default() } else { cpuid::read(basic, 0) };
    for leaf in [basic + 1, 0x100, 0x2000_0000, 0x3fff_ffff, extended + 1, 0xc000_0000, u32::MAX] {
        sweep.expect(Hex(leaf.into()), cpuid::read(leaf, 0), above);
    }
    let twice = (0..=basic).chain(EXTENDED..=extended).all(|leaf| cpuid::read(leaf, 0) == cpuid::read(leaf, 0));
    sweep.expect("twice the same", twice, true);
    sweep.finish();
}

/// APIC ids in leaves 1 and 0xb, and the number of CPUs in the MADT, tell one story.
fn topology() {
    let mut sweep = Sweep::new("cpuid-topology");
    let mut cpus = 0;
    guest_rt::acpi::for_each_cpu(|_| cpus += 1);
    let initial = cpuid::read(1, 0).ebx >> 24;
    sweep.expect("APIC id", guest_rt::apic::id(), initial);
    let (thread, core) = (cpuid::read(0xb, 0), cpuid::read(0xb, 1));
    sweep.expect("thread level", [thread.eax, thread.ebx & 0xffff, thread.ecx, thread.edx], [0, 1, 0x100, initial]);
    sweep.expect("core level", [core.ebx & 0xffff, core.ecx, core.edx], [cpus, 0x201, initial]);
    sweep.judge(1 << core.eax >= cpus, "core bits", core.eax);
    let end = cpuid::read(0xb, 2);
    sweep.expect("end", [end.eax, end.ebx, end.ecx & 0xff00], [0, 0, 0]);
    sweep.finish();
}

/// Leaf 0xd holds no hidden state, and its sizes follow XCR0.
fn xsave() {
    let mut sweep = Sweep::new("cpuid-xsave");
    if guest_rt::fpu::enable() {
        let leaf = cpuid::read(0xd, 0);
        sweep.judge(leaf.eax & !0xe7 == 0 && leaf.edx == 0, "states", format_args!("{leaf:x?}"));
        sweep.judge(leaf.ebx >= 832 && leaf.ebx <= leaf.ecx, "sizes with AVX", format_args!("{leaf:x?}"));
        // SAFETY: AVX is not used here.
        unsafe { guest_rt::fpu::write_xcr(0, 3) };
        sweep.expect("size without AVX", cpuid::read(0xd, 0).ebx, 576);
        let avx = cpuid::read(0xd, 2);
        sweep.expect("AVX state", [avx.eax, avx.ebx, avx.ecx & 1, avx.edx], [256, 576, 0, 0]);
        for component in [3, 4, 8, 9, 10, 11, 12, 17, 18, 62] {
            sweep.expect(component, cpuid::read(0xd, component), Leaf::default());
        }
        sweep.judge(cpuid::read(0xd, 1).eax & !7 == 0, "XSAVES and XFD", "offered");
    }
    sweep.finish();
}
