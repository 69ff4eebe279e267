//! CPUID.

use core::arch::x86_64::__cpuid_count;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The four result registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaf {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

/// Reads `leaf`, sub-leaf `sub`.
pub fn read(leaf: u32, sub: u32) -> Leaf {
    let r = __cpuid_count(leaf, sub);
    Leaf { eax: r.eax, ebx: r.ebx, ecx: r.ecx, edx: r.edx }
}

/// Whether a feature bit is set: `ecx` and so on choose the register.
macro_rules! feature {
    ($name:ident, $leaf:literal, $register:ident, $bit:literal, $what:literal) => {
        #[doc = concat!("Whether CPUID offers ", $what, ".")]
        pub fn $name() -> bool {
            read(if $leaf >= 0x8000_0000_u32 { 0x8000_0000 } else { 0 }, 0).eax >= $leaf
                && read($leaf, 0).$register >> $bit & 1 != 0
        }
    };
}

feature!(has_x2apic, 1, ecx, 21, "x2APIC");
feature!(has_tsc_deadline, 1, ecx, 24, "the TSC-deadline timer");
feature!(has_xsave, 1, ecx, 26, "XSAVE");
feature!(has_avx, 1, ecx, 28, "AVX");
feature!(has_avx2, 7, ebx, 5, "AVX2");
feature!(has_tsc_adjust, 7, ebx, 1, "IA32_TSC_ADJUST");
feature!(has_gigabyte_pages, 0x8000_0001, edx, 26, "1 GiB pages");

/// What [`is_amd`] found: 0 before the first call, then 1 for Intel's instruction set and 2 for AMD's.
static VENDOR: AtomicU8 = AtomicU8::new(0);

/// Whether the processor names itself an AMD one (or Hygon), whose hypercall is VMMCALL and not VMCALL.
///
/// CPUID is executed once: it leaves the guest, and whoever counts exits around a hypercall must not count it.
pub fn is_amd() -> bool {
    match VENDOR.load(Relaxed) {
        0 => {
            let amd = matches!(&signature(0), b"AuthenticAMD" | b"HygonGenuine");
            VENDOR.store(1 + u8::from(amd), Relaxed);
            amd
        }
        known => known == 2,
    }
}

/// The twelve letters in EBX, EDX, ECX of leaf 0, or in EBX, ECX, EDX of a hypervisor leaf.
pub fn signature(leaf: u32) -> [u8; 12] {
    let r = read(leaf, 0);
    let order = if leaf == 0 { [r.ebx, r.edx, r.ecx] } else { [r.ebx, r.ecx, r.edx] };
    let mut text = [0; 12];
    for (slot, word) in text.chunks_exact_mut(4).zip(order) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    text
}

/// Physical address width in bits (leaf 0x8000_0008, EAX bits 7 to 0).
pub fn physical_bits() -> u32 {
    read(0x8000_0008, 0).eax & 0xff
}
