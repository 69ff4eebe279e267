//! The instructions of VMX, each wrapped once (Intel SDM vol. 3C, chapter 32).

use core::arch::asm;

use super::field::INSTRUCTION_ERROR;

/// Why an instruction of VMX did nothing: RFLAGS.CF (no current VMCS) or RFLAGS.ZF (its instruction-error field tells).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// Runs an instruction of VMX on a memory operand.
macro_rules! on_memory {
    ($name:literal, $operand:expr) => {{
        let failed: u8;
        asm!(concat!($name, " [{}]"), "setbe {}", in(reg) $operand, out(reg_byte) failed, options(nostack));
        if failed == 0 { Ok(()) } else { Err(Failed) }
    }};
}

/// VMXON: VMX operation begins on this CPU.
///
/// # Safety
/// CR4.VMXE is set, IA32_FEATURE_CONTROL allows it; `region` is the physical address of a page that is this CPU's for ever
/// and begins with the revision.
pub unsafe fn vmxon(region: u64) -> Result<(), Failed> {
    // SAFETY: the caller's promise.
    unsafe { on_memory!("vmxon", &raw const region) }
}

/// VMCLEAR: the VMCS is written back to memory, and is current nowhere.
///
/// # Safety
/// In VMX operation; `region` is the physical address of a VMCS that is current on no other CPU.
pub unsafe fn vmclear(region: u64) -> Result<(), Failed> {
    // SAFETY: the caller's promise.
    unsafe { on_memory!("vmclear", &raw const region) }
}

/// VMPTRLD: the VMCS is the current one of this CPU.
///
/// # Safety
/// In VMX operation; `region` is the physical address of a VMCS with the processor's revision that is current on no other CPU.
pub unsafe fn vmptrld(region: u64) -> Result<(), Failed> {
    // SAFETY: the caller's promise.
    unsafe { on_memory!("vmptrld", &raw const region) }
}

/// VMREAD of the current VMCS. Outside of VMX operation it faults, which ends in the crash card.
#[inline(always)]
pub fn vmread(field: u32) -> u64 {
    let value;
    // SAFETY: reads a field; memory does not change.
    unsafe { asm!("vmread {}, {}", out(reg) value, in(reg) u64::from(field), options(nomem, nostack)) };
    value
}

/// VMWRITE to the current VMCS, of a field that is known to exist: nobody looks whether it succeeded.
///
/// # Safety
/// The field's value lets the guest reach only what is its own, and lets the host go on after an exit.
#[inline(always)]
pub unsafe fn vmwrite(field: u32, value: u64) {
    // SAFETY: the caller's promise.
    unsafe { asm!("vmwrite {}, {}", in(reg) u64::from(field), in(reg) value, options(nomem, nostack)) };
}

/// VMWRITE that must succeed: it decides what the guest reaches.
///
/// # Safety
/// As for [`vmwrite`].
#[inline(always)]
pub unsafe fn vmwrite_checked(field: u32, value: u64) {
    let failed: u8;
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "vmwrite {}, {}", "setbe {}",
            in(reg) u64::from(field), in(reg) value, out(reg_byte) failed, options(nomem, nostack),
        );
    }
    if failed != 0 {
        unwritten(field);
    }
}

#[cold]
#[allow(clippy::panic, reason = "a field that the features do not promise: a mistake here, which no guest can cause")]
fn unwritten(field: u32) -> ! {
    panic!("VMWRITE of field {field:#06x} failed: VM-instruction error {}", INSTRUCTION_ERROR.read())
}

/// What INVEPT and INVVPID take (vol. 3C, chapter 32).
#[repr(C, align(16))]
struct Descriptor([u64; 2]);

/// Runs INVEPT or INVVPID.
macro_rules! forget {
    ($name:literal, $kind:expr, $descriptor:expr) => {{
        let descriptor = $descriptor;
        let failed: u8;
        asm!(
            concat!($name, " {}, [{}]"), "setbe {}",
            in(reg) $kind, in(reg) &raw const descriptor, out(reg_byte) failed, options(nostack),
        );
        if failed != 0 {
            still_remembered($name);
        }
    }};
}

/// INVEPT (type 1: the translations of one EPT pointer; type 2: of all).
///
/// # Safety
/// In VMX operation, and the processor has the type. Forgetting translations is always right.
pub unsafe fn invept(kind: u64, pointer: u64) {
    // SAFETY: the caller's promise.
    unsafe { forget!("invept", kind, Descriptor([pointer, 0])) }
}

/// INVVPID (type 1: the translations of one VPID; type 2: of all).
///
/// # Safety
/// In VMX operation, and the processor has the type. Forgetting translations is always right.
pub unsafe fn invvpid(kind: u64, vpid: u16) {
    // SAFETY: the caller's promise.
    unsafe { forget!("invvpid", kind, Descriptor([u64::from(vpid), 0])) }
}

/// A guest must not go on with translations that the processor did not forget.
#[cold]
#[allow(
    clippy::panic,
    reason = "a type that the processor lacks or a wrong operand: a mistake here, which no guest can cause"
)]
fn still_remembered(name: &str) -> ! {
    panic!("{name} failed")
}
