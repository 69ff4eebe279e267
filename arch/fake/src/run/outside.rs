//! Instructions that somebody outside of the vCPU answers: the core, or the domain's other vCPUs.

use std::sync::atomic::Ordering;

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{Access, AccessSize, Direction, DomainEnv, Event, Gpa, HypercallRequest, PortAccess, VcpuIndex};

use super::Processor;
use crate::domain::Inbox;
use crate::vcpu::Question;

impl<E: DomainEnv> Processor<'_, E> {
    pub(super) fn port(&mut self, port: u16, size: AccessSize, direction: Direction) -> Event {
        self.vcpu.count(ExitCounter::PortIo);
        self.ask(direction);
        Event::PortAccess(PortAccess { port, size, direction })
    }

    /// RAM where the tables say so; else nobody in this architecture owns the address.
    pub(super) fn access(&mut self, gpa: u64, size: AccessSize, direction: Direction) -> Option<Event> {
        let shift = gpa % 8 * 8;
        let Some(word) = self.read(gpa & !7) else {
            self.ask(direction);
            return Some(Event::Access(Access { gpa: Gpa::new(gpa), size, direction }));
        };
        let mask = size.all_ones() << shift;
        match direction {
            Direction::Read => self.vcpu.accumulator = (word & mask) >> shift,
            Direction::Write(value) => self.write(gpa & !7, word & !mask | value << shift & mask),
        }
        None
    }

    fn ask(&mut self, direction: Direction) {
        self.vcpu.question = Some(match direction {
            Direction::Read => Question::Read,
            Direction::Write(_) => Question::Write,
        });
    }

    pub(super) fn hypercall(&mut self, number: u64, arguments: [u64; 3], privileged: bool) -> Option<Event> {
        self.vcpu.count(ExitCounter::Hypercall);
        if let Some(result) = self.env.quick_hypercall(number, privileged) {
            self.vcpu.accumulator = result.cast_unsigned();
            return None;
        }
        self.vcpu.question = Some(Question::Hypercall);
        Some(Event::Hypercall(HypercallRequest { number, arguments, privileged }))
    }

    pub(super) fn reset_until(&mut self, resets: u32) -> Option<Event> {
        let done = self.domain.resets.load(Ordering::Acquire) >= resets;
        (!done).then(|| self.stop(Event::Reset))
    }

    /// The end of the domain, as far as this vCPU is concerned.
    pub(super) fn stop(&mut self, event: Event) -> Event {
        self.vcpu.stopped = true;
        self.world.pause(self.world.cost());
        event
    }

    pub(super) fn send(&self, vcpu: u8, post: impl FnOnce(&Inbox)) {
        let target = VcpuIndex(vcpu);
        let Some(inbox) = self.domain.inbox(target) else { return };
        post(inbox);
        if target != self.vcpu.index {
            self.env.wake(target);
        }
    }
}
