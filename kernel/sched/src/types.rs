//! What goes in and what comes out.

use crate::CpuSet;

/// A point in time or a span, in ticks of the machine's counter.
pub type Ticks = u64;

/// A physical CPU, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(pub u16);

impl CpuId {
    /// The number, to index with.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A vCPU of any domain, counted from 0 in the order of [`crate::Scheduler::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VcpuId(pub(crate) u16);

impl VcpuId {
    /// The number, to index with.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What [`crate::Scheduler::wake`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// The vCPU waits for a CPU already.
    Nothing,
    /// The vCPU runs on this CPU, which must look at what the wake-up was for.
    Look(CpuId),
    /// The vCPU became runnable, and these CPUs (none, mostly one) must call [`crate::Scheduler::next`] soon.
    Reschedule(CpuSet),
}

/// What became of a vCPU that wanted to block. Either way the CPU calls [`crate::Scheduler::next`] now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Blocked {
    /// It waits for [`crate::Scheduler::wake`] or its timer.
    Blocked,
    /// A wake-up came while it was on its way: it is runnable, as if it had been preempted.
    StillRunnable,
}

/// What a CPU does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Run this vCPU, and come back at `until` at the latest.
    Run {
        /// Whom.
        vcpu: VcpuId,
        /// The end of its slice or the first timer of a vCPU that blocked here; `None`: as long as it likes.
        until: Option<Ticks>,
    },
    /// Wait for an interrupt, and come back at `until` at the latest.
    Idle {
        /// The first timer of a vCPU that blocked here.
        until: Option<Ticks>,
    },
}

/// The answer of [`crate::Scheduler::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Next {
    /// For the calling CPU.
    pub decision: Decision,
    /// Other CPUs that must call [`crate::Scheduler::next`] soon, since timers made more vCPUs runnable.
    pub reschedule: CpuSet,
}
