//! From software into the list registers.

use super::Vgic;
use super::bank::Groups;
use super::bits::ones;
use super::cell::{Cell, TIMER_SLOT};
use super::choice::{Candidate, Choice, MOST_REGISTERS, Plan};
use super::private::{Private, SGI_COUNT, SGIS};
use super::shared::{self, Shared};
use super::timer::VIRTUAL_TIMER;
use crate::gic::{Conditions, Gic, ListRegister, LrState};

impl Vgic {
    /// Writes the list registers of the vCPU `me`, which is loaded here and folded.
    pub(super) fn fill<G: Gic>(&self, me: u8, cell: &Cell, private: &mut Private, shared: &mut Shared) {
        let groups = self.groups();
        private.timer.settle::<G>(&mut private.bank, groups);
        if private.stale {
            prepare_direct::<G>(cell, private);
        }
        let plan = plan::<G>(me, groups, private, shared);
        // An active interrupt that is pending again would hold its place against more important ones that wait.
        let again = plan.is_complete();
        let mut written = 0;
        for (n, candidate) in (0_u32..).zip(&plan.listed) {
            let register = list(me, groups, *candidate, again, private, shared);
            if let Some(slot) = direct_slot(candidate.intid) {
                cell.set_home(slot, n);
            }
            G::write(n as usize, register);
            written |= 1 << n;
        }
        for n in ones(private.used & !written) {
            G::write_raw(n as usize, 0);
        }
        set_maintenance::<G>(private, &plan);
        cell.open(if again { open_ways(private, groups) } else { 0 });
    }
}

impl Plan {
    const fn is_complete(&self) -> bool {
        !self.pending_left && !self.active_left
    }
}

/// Chooses. Where not all have room, groups that the guest does not let through wait outside.
fn plan<G: Gic>(me: u8, groups: Groups, private: &Private, shared: &Shared) -> Plan {
    let registers = G::list_registers().min(MOST_REGISTERS);
    let all = candidates(me, groups, Groups::ALL, private, shared);
    if !all.exceeds(registers) {
        return all.plan(registers);
    }
    let open = Groups::from_bits(G::save().vmcr);
    if open == Groups::ALL {
        return all.plan(registers);
    }
    let some = candidates(me, groups, open, private, shared);
    if !some.has_pending() {
        return all.plan(registers);
    }
    Plan { pending_left: true, ..some.plan(registers) }
}

/// All that could be in a list register; pending ones only of the groups in `open`.
fn candidates(me: u8, groups: Groups, open: Groups, private: &Private, shared: &Shared) -> Choice {
    let mut choice = Choice::default();
    let bank = &private.bank;
    let pending = bank.pending() & bank.forwarded(groups) & !bank.active;
    for bit in ones(pending | bank.active) {
        let active = bank.active >> bit & 1 != 0;
        if active || open.has(bank.group1 >> bit & 1 != 0) {
            choice.offer(Candidate { intid: bit, priority: bank.priority(bit), active });
        }
    }
    for (index, bank) in shared.banks.iter().enumerate() {
        let owned = shared.owned(index, bank.active, me);
        for bit in ones(shared.ready(index, groups, me) | owned) {
            let active = owned >> bit & 1 != 0;
            if active || open.has(bank.group1 >> bit & 1 != 0) {
                let intid = shared::intid(index, bit);
                choice.offer(Candidate { intid, priority: bank.priority(bit), active });
            }
        }
    }
    choice
}

/// Moves a candidate out of software. `again`: an active one may be listed as pending too.
fn list(
    me: u8,
    groups: Groups,
    candidate: Candidate,
    again: bool,
    private: &mut Private,
    shared: &mut Shared,
) -> ListRegister {
    if candidate.intid < shared::FIRST {
        let forwarded = private.bank.forwarded(groups) >> candidate.intid & 1 != 0;
        return private.list(candidate.intid, candidate.active, again && forwarded);
    }
    let mine = shared.target(candidate.intid) == me;
    shared.set_owner(candidate.intid, me);
    let Some((bank, bit)) = shared.find(candidate.intid) else { return ListRegister::default() };
    let mask = 1 << bit;
    let again = again && bank.latch & bank.edge & bank.forwarded(groups) & mask != 0 && mine;
    let state = match (candidate.active, again) {
        (false, _) => LrState::Pending,
        (true, false) => LrState::Active,
        (true, true) => LrState::PendingActive,
    };
    let register = ListRegister {
        intid: candidate.intid,
        priority: candidate.priority,
        state,
        eoi_maintenance: bank.edge & mask == 0 || state == LrState::Active && bank.latch & mask != 0,
        group1: bank.group1 & mask != 0,
        ..ListRegister::default()
    };
    bank.list(mask, state != LrState::Active);
    if let Some(listed) = private.listed_spis.get_mut((candidate.intid / 32).saturating_sub(1) as usize) {
        *listed |= mask;
    }
    register
}

fn set_maintenance<G: Gic>(private: &mut Private, plan: &Plan) {
    let conditions = Conditions { no_pending: plan.pending_left, unlisted: plan.active_left };
    if private.conditions != Some(conditions) {
        private.conditions = Some(conditions);
        G::set_maintenance(conditions);
    }
}

/// The direct way of an interrupt.
const fn direct_slot(intid: u32) -> Option<usize> {
    match intid {
        0..SGI_COUNT => Some(intid as usize),
        VIRTUAL_TIMER => Some(TIMER_SLOT),
        _ => None,
    }
}

/// Encodes what the direct ways write, and spreads their homes.
fn prepare_direct<G: Gic>(cell: &Cell, private: &mut Private) {
    private.stale = false;
    let count = u32::try_from(G::list_registers().clamp(1, MOST_REGISTERS)).unwrap_or(1);
    let encode = |intid: u32, hardware| {
        G::encode(ListRegister {
            intid,
            priority: private.bank.priority(intid),
            state: LrState::Pending,
            hardware,
            group1: private.bank.group1 >> intid & 1 != 0,
            ..ListRegister::default()
        })
    };
    for sgi in 0..SGI_COUNT {
        cell.prepare(sgi as usize, encode(sgi, None));
        cell.set_home(sgi as usize, sgi % count);
    }
    if let Some(physical) = private.timer.physical() {
        cell.prepare(TIMER_SLOT, encode(VIRTUAL_TIMER, Some(physical)));
        cell.set_home(TIMER_SLOT, count - 1);
    }
}

/// The direct ways that may be used as soon as their homes are empty. What is pending is listed; if there is more to come,
/// its list register is not empty before the next fold (`eoi_maintenance`).
fn open_ways(private: &Private, groups: Groups) -> u32 {
    let forwarded = private.bank.forwarded(groups);
    // A latch that went into the list register would count for what comes after it, too.
    let timer = (forwarded & !private.bank.listed_latch) >> VIRTUAL_TIMER;
    let known = private.timer.physical().is_some();
    forwarded & SGIS | (timer & u32::from(known)) << TIMER_SLOT
}
