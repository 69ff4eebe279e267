//! The SPIs: interrupts that any vCPU may get.

use super::bank::{Bank, Field, Groups};
use super::bits::{byte, ones};
use crate::gic::Version;

/// First SPI.
pub(super) const FIRST: u32 = 32;
/// Number of SPIs.
pub(super) const COUNT: usize = 64;
/// No vCPU.
pub(super) const NOBODY: u8 = 0xff;
/// IROUTER: Aff3, Aff2, Aff1, Aff0 (IHI 0069 12.9.22); the routing mode is fixed.
const ROUTE_BITS: u64 = 0xff_00ff_ffff;

/// Where one SPI goes.
#[derive(Clone, Copy, Debug)]
struct Route {
    /// ITARGETSR, or IROUTER.
    register: u64,
    /// The vCPU that it names.
    target: u8,
    /// While listed or active: the vCPU that has it.
    owner: u8,
}

/// The state of all SPIs.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) banks: [Bank; 2],
    routes: [Route; COUNT],
    version: Version,
    vcpus: usize,
}

impl Shared {
    pub(super) fn new(version: Version, vcpus: usize) -> Self {
        let group1 = if version == Version::V3 { u32::MAX } else { 0 };
        let mut shared = Self {
            banks: [const { Bank::new(0, 0, 0) }; 2],
            routes: [Route { register: 0, target: NOBODY, owner: NOBODY }; COUNT],
            version,
            vcpus,
        };
        shared.banks.iter_mut().for_each(|bank| bank.group1 = group1);
        for intid in FIRST..FIRST + 64 {
            shared.set_route(intid, 0);
        }
        shared
    }

    /// The bank of an SPI, and its bit in there.
    pub(super) fn find(&mut self, intid: u32) -> Option<(&mut Bank, u32)> {
        let bank = self.banks.get_mut((intid.checked_sub(FIRST)? / 32) as usize)?;
        Some((bank, intid % 32))
    }

    fn route(&self, intid: u32) -> Option<&Route> {
        self.routes.get(intid.checked_sub(FIRST)? as usize)
    }

    /// ITARGETSR or IROUTER.
    pub(super) fn route_register(&self, intid: u32) -> u64 {
        self.route(intid).map_or(0, |route| route.register)
    }

    /// Writes ITARGETSR or IROUTER; no vCPU may be named there.
    pub(super) fn set_route(&mut self, intid: u32, register: u64) {
        let (version, vcpus) = (self.version, self.vcpus);
        let Some(index) = intid.checked_sub(FIRST) else { return };
        let Some(route) = self.routes.get_mut(index as usize) else { return };
        (route.register, route.target) = match version {
            Version::V2 => targets(register, vcpus),
            Version::V3 => (register & ROUTE_BITS, affinity(register & ROUTE_BITS, vcpus)),
        };
    }

    /// The vCPU that gets it next, or [`NOBODY`].
    pub(super) fn target(&self, intid: u32) -> u8 {
        self.route(intid).map_or(NOBODY, |route| route.target)
    }

    /// The vCPU that has it, while it is listed or active.
    pub(super) fn owner(&self, intid: u32) -> u8 {
        self.route(intid).map_or(NOBODY, |route| route.owner)
    }

    pub(super) fn set_owner(&mut self, intid: u32, owner: u8) {
        let Some(index) = intid.checked_sub(FIRST) else { return };
        if let Some(route) = self.routes.get_mut(index as usize) {
            route.owner = owner;
        }
    }

    /// Those of bank `index` in `mask` that `vcpu` has.
    pub(super) fn owned(&self, index: usize, mask: u32, vcpu: u8) -> u32 {
        ones(mask).filter(|bit| self.owner(intid(index, *bit)) == vcpu).fold(0, |set, bit| set | 1 << bit)
    }

    /// Those of bank `index` that can be listed for `vcpu` as pending, not active.
    pub(super) fn ready(&self, index: usize, groups: Groups, vcpu: u8) -> u32 {
        let Some(bank) = self.banks.get(index) else { return 0 };
        let ready = bank.pending() & bank.forwarded(groups) & !bank.active & !bank.listed;
        ones(ready).filter(|bit| self.target(intid(index, *bit)) == vcpu).fold(0, |set, bit| set | 1 << bit)
    }

    /// The vCPUs, `me` excepted, that have to look at the interrupts `mask` of bank `index`: whoever has them, or whoever
    /// gets them.
    pub(super) fn concerned(&self, index: usize, mask: u32, groups: Groups, me: u8) -> u64 {
        let Some(bank) = self.banks.get(index) else { return 0 };
        let held = bank.listed | bank.active;
        let ready = bank.pending() & bank.forwarded(groups);
        let holders = ones(mask & held).map(|bit| self.owner(intid(index, bit)));
        let targets = ones(mask & ready & !held).map(|bit| self.target(intid(index, bit)));
        holders.chain(targets).filter(|vcpu| *vcpu != me).fold(0, |set, vcpu| set | set_of(vcpu))
    }

    /// A register with a bit for each interrupt, written by `me`, whose own list registers are folded.
    pub(super) fn write(&mut self, index: usize, field: Field, value: u32, me: u8) {
        let Some(bank) = self.banks.get_mut(index) else { return };
        let free = !bank.active & !bank.listed;
        bank.write(field, value, bank.listed);
        if field == Field::SetActive {
            for intid in ones(value & free).map(|bit| intid(index, bit)) {
                let target = self.target(intid);
                self.set_owner(intid, if target == NOBODY { me } else { target });
            }
        }
    }
}

/// The INTID of a bit.
pub(super) const fn intid(index: usize, bit: u32) -> u32 {
    if index == 0 { FIRST + bit } else { FIRST + 32 + bit }
}

/// The set with one vCPU; empty for [`NOBODY`].
pub(super) const fn set_of(vcpu: u8) -> u64 {
    if vcpu < 64 { 1 << vcpu } else { 0 }
}

/// GICD_ITARGETSR (IHI 0048 4.3.12): the lowest target. With one CPU the register is RAZ/WI and all SPIs go there.
fn targets(register: u64, vcpus: usize) -> (u64, u8) {
    if vcpus == 1 {
        return (0, 0);
    }
    let register = register & ((1 << vcpus.min(8)) - 1);
    let lowest = register.trailing_zeros();
    (register, if lowest < 8 { byte(lowest) } else { NOBODY })
}

/// The vCPU with this affinity: Aff1 counts sixteens, Aff0 ones.
fn affinity(register: u64, vcpus: usize) -> u8 {
    let (aff0, aff1) = (register & 0xff, register >> 8 & 0xff);
    let index = aff1 * 16 + aff0;
    let exists = register >> 16 == 0 && aff0 < 16 && index < vcpus as u64;
    if exists { byte(super::bits::word(index)) } else { NOBODY }
}
