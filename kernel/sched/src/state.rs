//! What the scheduler remembers of each vCPU and each CPU.

use crate::{CpuId, Ticks, VcpuId};

/// Where a vCPU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Waits for a wake-up, or for its timer.
    Blocked { until: Option<Ticks> },
    /// Waits for a CPU.
    Ready,
    /// Runs there.
    Running(CpuId),
}

/// One vCPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vcpu {
    pub(crate) state: State,
    /// Where it ran last; that CPU keeps its timer.
    pub(crate) last: CpuId,
    /// Its virtual time, without the turn under way.
    pub(crate) served: Ticks,
    /// When it began to wait, as a number that only grows: decides between equals.
    pub(crate) queued: u64,
    /// Somebody woke it while it ran.
    pub(crate) wake_pending: bool,
}

/// A vCPU's time on a CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) vcpu: VcpuId,
    /// `None`: nobody competes.
    pub(crate) slice_end: Option<Ticks>,
}

/// What a CPU does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Activity {
    /// It has never asked.
    Away,
    /// Waits for an interrupt.
    Idle,
    /// Runs a vCPU since then.
    Running { turn: Turn, since: Ticks },
    /// On its way to `next`; a turn that was interrupted before its end goes on if nobody is more deserving.
    Asking { unfinished: Option<Turn> },
}

/// One CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) activity: Activity,
    /// It has been told to call `next`, and has not yet.
    pub(crate) called: bool,
}

impl Cpu {
    /// Whether it calls `next` soon and takes somebody who is ready then.
    pub(crate) const fn is_taker(&self) -> bool {
        match self.activity {
            Activity::Asking { .. } => true,
            Activity::Idle => self.called,
            Activity::Away | Activity::Running { .. } => false,
        }
    }

    /// Whether it idles and nobody has called it.
    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.activity, Activity::Idle) && !self.called
    }

    /// Whether it runs a vCPU to which nobody has set an end yet.
    pub(crate) const fn is_open_ended(&self) -> bool {
        matches!(self.activity, Activity::Running { turn: Turn { slice_end: None, .. }, .. }) && !self.called
    }
}
