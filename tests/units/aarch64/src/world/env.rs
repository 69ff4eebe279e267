//! The core, as far as guests of a few instructions need one: there is nothing behind it.

use phalanx_arch_api::{DomainEnv, Gpa, GuestMemory, TraceEvent, Unbacked, VcpuIndex};

/// No core.
pub(super) struct Env;

/// No memory that the hypervisor would have to look at.
pub(super) struct Nothing;

impl GuestMemory for Nothing {
    fn read(&self, _: Gpa, _: &mut [u8]) -> Result<(), Unbacked> {
        Err(Unbacked)
    }

    fn write(&self, _: Gpa, _: &[u8]) -> Result<(), Unbacked> {
        Err(Unbacked)
    }

    fn read_u64(&self, _: Gpa) -> Result<u64, Unbacked> {
        Err(Unbacked)
    }

    fn read_u32(&self, _: Gpa) -> Result<u32, Unbacked> {
        Err(Unbacked)
    }
}

impl DomainEnv for Env {
    type Memory = Nothing;

    fn memory(&self) -> &Nothing {
        &Nothing
    }

    fn wake(&self, _: VcpuIndex) {}

    fn trace(&self, _: TraceEvent) {}

    fn quick_hypercall(&self, _: u64, _: bool) -> Option<i64> {
        None
    }

    fn must_return(&self) -> bool {
        false
    }
}
