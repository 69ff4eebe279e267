//! From the list registers back into software.

use super::Vgic;
use super::bits::{low, ones};
use super::cell::Cell;
use super::choice::MOST_REGISTERS;
use super::private::Private;
use super::shared::{self, Shared};
use crate::gic::{Gic, Version};

/// The list registers that there are, as a set.
pub(super) fn registers<G: Gic>() -> u32 {
    low(G::list_registers().min(MOST_REGISTERS))
}

impl Vgic {
    /// Reads all list registers of the vCPU `me`, which is loaded here, and what other CPUs sent. Returns the SPIs, by
    /// bank, that this vCPU does not hold any longer.
    pub(super) fn fold<G: Gic>(&self, me: u8, cell: &Cell, private: &mut Private, shared: &mut Shared) -> [u32; 2] {
        private.used = !G::empty() & registers::<G>();
        let held = held_spis(me, private, shared);
        private.bank.begin_fold(private.bank.listed);
        private.timer.begin_fold(&mut private.bank);
        for (bank, listed) in shared.banks.iter_mut().zip(private.listed_spis) {
            bank.begin_fold(listed);
        }
        end_unlisted::<G>(me, private, shared);
        for n in ones(private.used) {
            let register = G::read(n as usize);
            match shared.find(register.intid) {
                Some((bank, bit)) => {
                    bank.fold(1 << bit, register.state);
                }
                None if register.intid < shared::FIRST => private.fold(register),
                None => {}
            }
        }
        end_fold(private, shared);
        take_sgis(G::VERSION, cell, private, cell.take_attention());
        let mut released = held_spis(me, private, shared);
        for (now, before) in released.iter_mut().zip(held) {
            *now = before & !*now;
        }
        released
    }
}

/// Takes SGIs that other vCPUs sent out of the cell.
pub(super) fn take_sgis(version: Version, cell: &Cell, private: &mut Private, sgis: u32) {
    for sgi in ones(sgis) {
        match cell.take_sources(version, sgi) {
            0 => {}
            sources => private.post_sgi(sgi, sources),
        }
    }
}

/// The SPIs, by bank, that are listed for `me` or active there.
fn held_spis(me: u8, private: &Private, shared: &Shared) -> [u32; 2] {
    let [low, high] = &shared.banks;
    let [listed_low, listed_high] = private.listed_spis;
    [listed_low | shared.owned(0, low.active, me), listed_high | shared.owned(1, high.active, me)]
}

/// Deactivates what the guest ended without a list register for it. The active states in software are exactly those
/// now. In EOImode 0, the guest ends the most important one first.
fn end_unlisted<G: Gic>(me: u8, private: &mut Private, shared: &mut Shared) {
    if !private.conditions.is_some_and(|conditions| conditions.unlisted) {
        return;
    }
    for _ in 0..G::take_unlisted() {
        let own = private.most_important_active();
        let spi = most_important_spi(me, shared);
        match (own, spi) {
            (Some((priority, bit)), spi) if spi.is_none_or(|(other, _)| priority <= other) => {
                private.bank.active &= !(1 << bit);
            }
            (_, Some((_, intid))) => {
                if let Some((bank, bit)) = shared.find(intid) {
                    bank.active &= !(1 << bit);
                }
            }
            _ => return,
        }
    }
}

/// Priority and INTID of the most important SPI that is active in software and belongs to `me`.
fn most_important_spi(me: u8, shared: &Shared) -> Option<(u8, u32)> {
    let banks = shared.banks.iter().enumerate();
    let active = banks.flat_map(|(index, bank)| {
        let owned = shared.owned(index, bank.active & !bank.listed, me);
        ones(owned).map(move |bit| (bank.priority(bit), shared::intid(index, bit)))
    });
    active.min()
}

/// Nothing is listed any longer.
fn end_fold(private: &mut Private, shared: &mut Shared) {
    private.bank.end_fold(u32::MAX);
    for (bank, listed) in shared.banks.iter_mut().zip(&mut private.listed_spis) {
        bank.end_fold(*listed);
        *listed = 0;
    }
}
