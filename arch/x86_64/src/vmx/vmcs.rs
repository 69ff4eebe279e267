//! A VMCS: current on the CPU that runs its vCPU, or waiting in memory (Intel SDM vol. 3C, sections 26.1 and 26.11).

use alloc::boxed::Box;

use super::cpu::Region;
use super::deferred::Deferred;
use super::field::{Field, Guest, Host, Width};
use super::instr;
use crate::physical::physical_address;

/// A VMCS, and the writes that wait until it is current.
#[derive(Debug)]
pub(super) struct Vmcs {
    /// It is current on the CPU that this runs on.
    current: bool,
    /// It has been current before.
    used: bool,
    deferred: Deferred,
    region: Box<Region>,
}

impl Vmcs {
    /// One that has never been current. Allocated at boot only.
    pub(super) fn new(revision: u32) -> Self {
        Self { current: false, used: false, deferred: Deferred::default(), region: Region::new(revision) }
    }

    /// Whether it is current on the CPU that this runs on.
    #[inline(always)]
    pub(super) const fn is_current(&self) -> bool {
        self.current
    }

    fn physical(&self) -> u64 {
        physical_address(&raw const *self.region).as_u64()
    }

    /// Makes it current on this CPU, and writes what waits.
    ///
    /// # Safety
    /// In VMX operation; it is current on no CPU.
    pub(super) unsafe fn make_current(&mut self) {
        if !self.used {
            self.used = true;
            // SAFETY: the region has never been current. The first VMCLEAR makes it a VMCS (vol. 3C, section 26.11.3).
            unsafe { instr::vmclear(self.physical()) }.unwrap_or_else(|_| unusable());
        }
        // SAFETY: the caller's promise; `unload` has cleared it on the CPU where it was before.
        unsafe { instr::vmptrld(self.physical()) }.unwrap_or_else(|_| unusable());
        self.current = true;
        for (field, value) in self.deferred.take() {
            // SAFETY: `set` and `set_host` took the same care as for a current VMCS.
            unsafe { instr::vmwrite_checked(field, value) };
        }
    }

    /// Writes it back to memory: any CPU may make it current.
    ///
    /// # Safety
    /// It is current on this CPU.
    pub(super) unsafe fn unload(&mut self) {
        // SAFETY: the caller's promise.
        unsafe { instr::vmclear(self.physical()) }.unwrap_or_else(|_| unusable());
        self.current = false;
    }

    /// Writes a field of the guest, now or when the VMCS is current.
    #[inline(always)]
    pub(super) fn set<W: Width>(&mut self, field: Field<W, Guest>, value: W::Value) {
        if self.current {
            field.write(value);
        } else {
            self.deferred.set(field.encoding(), W::to_register(value));
        }
    }

    /// Writes a control field, now or when the VMCS is current.
    ///
    /// # Safety
    /// As for [`Field::write`].
    pub(super) unsafe fn set_host<W: Width>(&mut self, field: Field<W, Host>, value: W::Value) {
        if self.current {
            // SAFETY: the caller's promise.
            unsafe { field.write(value) };
        } else {
            self.deferred.set(field.encoding(), W::to_register(value));
        }
    }
}

/// The processor refused a VMCS that `Region::new` made for it.
#[cold]
#[allow(clippy::panic, reason = "a mistake of the hypervisor, which no guest can cause")]
fn unusable() {
    panic!("the processor refused a VMCS")
}
