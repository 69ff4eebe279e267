//! What a register access asks of the caller.

use super::Message;

/// The consequence of a register write that reaches beyond this local APIC.
///
/// Interrupts that became deliverable need no effect: ask [`has_candidate`](super::LocalApic::has_candidate) afterwards.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is left to do.
    None,
    /// [`next_deadline`](super::LocalApic::next_deadline) has another value: program the host's timer again.
    TimerChanged,
    /// The task priority was written: a backend whose guest keeps CR8 elsewhere copies it there.
    TaskPriorityChanged,
    /// Send this message: [`resolve`](super::resolve) it and [`deliver`](super::Inbox::deliver) it to each target.
    ///
    /// The sender itself may be among the targets.
    Ipi(Message),
    /// A level-triggered interrupt ended: tell the IO-APICs.
    EoiBroadcast {
        /// The vector whose service ended.
        vector: u8,
    },
    /// Addressing, the software enable or the mode changed: [`publish`](super::Inbox::publish) the address anew, look
    /// at the mode again (MMIO window, CPUID), program the host's timer as for `TimerChanged` and copy the task priority.
    Reconfigured,
}

/// The access raises #GP(0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneralProtection;
