//! Which interrupts get the list registers.

use arrayvec::ArrayVec;

/// Most list registers that hardware has.
pub(super) const MOST_REGISTERS: usize = 16;

/// An interrupt that wants a list register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) intid: u32,
    pub(super) priority: u8,
    pub(super) active: bool,
}

impl Candidate {
    fn is_more_important_than(self, other: Self) -> bool {
        (self.priority, self.intid) < (other.priority, other.intid)
    }
}

/// The most important of those that were offered, sorted; and how many there were.
#[derive(Debug, Default)]
struct Ranking {
    best: ArrayVec<Candidate, MOST_REGISTERS>,
    offered: usize,
}

impl Ranking {
    fn offer(&mut self, candidate: Candidate) {
        self.offered += 1;
        let place = self.best.iter().position(|other| candidate.is_more_important_than(*other));
        let place = place.unwrap_or(self.best.len());
        if self.best.is_full() {
            if place == self.best.len() {
                return;
            }
            self.best.pop();
        }
        // There is room now, and `place` is at most the length.
        let _ = self.best.try_insert(place, candidate);
    }
}

/// Candidates, in the order in which they get list registers.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pending: Ranking,
    active: Ranking,
}

/// What becomes of the candidates.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) listed: ArrayVec<Candidate, MOST_REGISTERS>,
    /// Pending ones are left out.
    pub(super) pending_left: bool,
    /// Active ones are left out.
    pub(super) active_left: bool,
}

impl Choice {
    pub(super) fn offer(&mut self, candidate: Candidate) {
        if candidate.active { self.active.offer(candidate) } else { self.pending.offer(candidate) }
    }

    pub(super) const fn has_pending(&self) -> bool {
        self.pending.offered != 0
    }

    pub(super) const fn exceeds(&self, registers: usize) -> bool {
        self.pending.offered + self.active.offered > registers
    }

    /// The most important pending one comes first; then active ones, whose end by the guest is told more exactly while
    /// they are listed; then the other pending ones.
    pub(super) fn plan(&self, registers: usize) -> Plan {
        let mut plan = Plan::default();
        let (first, others) = self.pending.best.split_at(self.pending.best.len().min(1));
        let order = first.iter().chain(&self.active.best).chain(others);
        plan.listed.extend(order.copied().take(registers.min(MOST_REGISTERS)));
        let active = plan.listed.iter().filter(|candidate| candidate.active).count();
        plan.active_left = active < self.active.offered;
        plan.pending_left = plan.listed.len() - active < self.pending.offered;
        plan
    }
}
