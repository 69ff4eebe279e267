//! The distributor's registers (IHI 0048 4.3, IHI 0069 12.9).

use core::sync::atomic::Ordering;

use phalanx_arch_api::{AccessSize, VcpuIndex};

use super::access::GicAnswer;
use super::bank::Field;
use super::bits::{byte, ones, word};
use super::identity::{Frame, IIDR, identification};
use super::map::{Array, Register, offset};
use super::shared::{self, Shared};
use super::{INTIDS, Vgic};
use crate::gic::{Gic, Version};

/// GICD_CTLR: EnableGrp0, EnableGrp1.
const ENABLE_GROUPS: u32 = 3;
/// GICD_CTLR of GICv3: ARE and DS, always set.
const FIXED_V3: u32 = 1 << 4 | 1 << 6;

impl Vgic {
    /// An aligned access that has no shortcut.
    #[inline(never)]
    pub(super) fn distributor<G: Gic>(&self, vcpu: VcpuIndex, register: Register) -> GicAnswer {
        match register.array(G::VERSION) {
            Some(array) => self.distributor_array::<G>(vcpu, array, register),
            None if register.size == AccessSize::B4 => self.distributor_word::<G>(vcpu, register),
            None => GicAnswer::IGNORED,
        }
    }

    fn distributor_word<G: Gic>(&self, vcpu: VcpuIndex, register: Register) -> GicAnswer {
        if let Some(value) = register.write_word() {
            return match register.offset {
                offset::CTLR => GicAnswer::wake(self.write_control::<G>(vcpu, value)),
                _ => GicAnswer::IGNORED,
            };
        }
        let (frame, fixed) = match G::VERSION {
            Version::V2 => (Frame::DistributorV2, 0),
            Version::V3 => (Frame::DistributorV3, FIXED_V3),
        };
        GicAnswer::value(u64::from(match register.offset {
            offset::CTLR => self.control.load(Ordering::Relaxed) | fixed,
            offset::GICD_TYPER => self.typer,
            offset::GICD_IIDR => IIDR,
            other => identification(frame, other).unwrap_or(0),
        }))
    }

    /// GICD_CTLR: all vCPUs have to look where it changes.
    fn write_control<G: Gic>(&self, vcpu: VcpuIndex, value: u32) -> u64 {
        let value = value & ENABLE_GROUPS;
        if self.control.swap(value, Ordering::Relaxed) == value {
            return 0;
        }
        let wake = self.change::<G>(vcpu, |_, _| {});
        wake | self.alert(self.everybody & !shared::set_of(vcpu.0))
    }

    fn distributor_array<G: Gic>(&self, vcpu: VcpuIndex, array: Array, register: Register) -> GicAnswer {
        match array {
            Array::Bits { bank: 0, .. } | Array::Priority { first: 0..32 } | Array::Config { first: 0..32 } => {
                // With affinity routing, they are in the redistributors.
                if G::VERSION == Version::V3 { GicAnswer::IGNORED } else { self.own_array::<G>(vcpu, array, register) }
            }
            Array::ClearPendingSgi { .. } | Array::SetPendingSgi { .. } => self.own_array::<G>(vcpu, array, register),
            Array::Targets { first: 0..32 } => GicAnswer::value(self.own_targets(vcpu, register)),
            Array::Bits { field, bank } => self.shared_bits::<G>(vcpu, field, bank - 1, register.write_word()),
            _ => self.shared_fields::<G>(vcpu, array, register),
        }
    }

    /// GICD_ITARGETSR of SGIs and PPIs: the CPU that reads it. With one CPU: zero.
    fn own_targets(&self, vcpu: VcpuIndex, register: Register) -> u64 {
        let own = if self.cells.len() == 1 { 0 } else { 1_u64 << (vcpu.0 & 7) };
        match register.write {
            Some(_) => 0,
            None => (own * 0x0101_0101) & register.size.all_ones(),
        }
    }

    /// A register with a bit for each of 32 SPIs.
    fn shared_bits<G: Gic>(&self, vcpu: VcpuIndex, field: Field, index: usize, write: Option<u32>) -> GicAnswer {
        if index >= 2 {
            return GicAnswer::IGNORED;
        }
        let Some(value) = write else { return self.read_shared_bits::<G>(vcpu, field, index) };
        self.change_shared::<G>(vcpu, index, if field == Field::Group { u32::MAX } else { value }, |shared| {
            shared.write(index, field, value, vcpu.0);
        })
    }

    /// What is in list registers of other vCPUs is shown as of their last fold; they are made to fold.
    fn read_shared_bits<G: Gic>(&self, vcpu: VcpuIndex, field: Field, index: usize) -> GicAnswer {
        let (mut value, mut holders) = (0, 0);
        let mut read = |shared: &mut Shared| {
            let Some(bank) = shared.banks.get(index) else { return };
            value = bank.read(field);
            let listed = if field.is_listed() { bank.listed } else { 0 };
            let owners = ones(listed).map(|bit| shared.owner(shared::intid(index, bit)));
            holders = owners.filter(|owner| *owner != vcpu.0).fold(0, |set, owner| set | shared::set_of(owner));
        };
        let wake = if field.is_listed() {
            let wake = self.change::<G>(vcpu, |_, shared| read(shared));
            wake | self.alert(holders)
        } else {
            read(&mut self.shared.lock());
            0
        };
        GicAnswer { value: u64::from(value), wake }
    }

    /// Changes the SPIs `mask` of a bank, and tells whoever has them or gets them.
    fn change_shared<G: Gic>(
        &self,
        vcpu: VcpuIndex,
        index: usize,
        mask: u32,
        change: impl FnOnce(&mut Shared),
    ) -> GicAnswer {
        let groups = self.groups();
        let mut concerned = 0;
        let wake = self.change::<G>(vcpu, |_, shared| {
            change(shared);
            concerned = shared.concerned(index, mask, groups, vcpu.0);
        });
        GicAnswer::wake(wake | self.alert(concerned))
    }

    /// Registers of SPIs with more than a bit for each.
    fn shared_fields<G: Gic>(&self, vcpu: VcpuIndex, array: Array, register: Register) -> GicAnswer {
        let (Array::Priority { first }
        | Array::Targets { first }
        | Array::Config { first }
        | Array::Route { intid: first, .. }) = array
        else {
            return GicAnswer::IGNORED;
        };
        if !(shared::FIRST..INTIDS).contains(&first) {
            return GicAnswer::IGNORED;
        }
        let Some(value) = register.write else {
            return GicAnswer::value(read_fields(&mut self.shared.lock(), array, register.size));
        };
        let index = (first / 32 - 1) as usize;
        let mask = changed(array, first % 32, register.size);
        self.change_shared::<G>(vcpu, index, mask, |shared| write_fields(shared, array, register.size, value))
    }
}

/// The bits of the interrupts that a write reaches.
fn changed(array: Array, bit: u32, size: AccessSize) -> u32 {
    let count = match array {
        Array::Config { .. } => 16,
        Array::Route { .. } => 1,
        _ => size.bytes(),
    };
    ((1 << count) - 1) << bit
}

fn read_fields(shared: &mut Shared, array: Array, size: AccessSize) -> u64 {
    match array {
        Array::Priority { first } => {
            read_bytes(first, size, |intid| shared.find(intid).map_or(0, |(bank, bit)| bank.priority(bit)))
        }
        Array::Targets { first } => read_bytes(first, size, |intid| byte(word(shared.route_register(intid)))),
        Array::Config { first } => u64::from(shared.find(first).map_or(0, |(bank, bit)| config(bank.edge >> bit))),
        Array::Route { intid, high } => {
            let value = shared.route_register(intid);
            (if high { value >> 32 } else { value }) & size.all_ones()
        }
        _ => 0,
    }
}

fn write_fields(shared: &mut Shared, array: Array, size: AccessSize, value: u64) {
    match array {
        Array::Priority { first } => {
            for (intid, priority) in bytes(first, size, value) {
                if let Some((bank, bit)) = shared.find(intid) {
                    bank.set_priority(bit, priority);
                }
            }
        }
        Array::Targets { first } => bytes(first, size, value).for_each(|(intid, targets)| {
            shared.set_route(intid, u64::from(targets));
        }),
        Array::Config { first } => {
            if let Some((bank, bit)) = shared.find(first) {
                bank.edge = bank.edge & !(0xffff << bit) | edges(word(value)) << bit;
            }
        }
        Array::Route { intid, high } => {
            let old = shared.route_register(intid);
            shared.set_route(
                intid,
                match (size, high) {
                    (AccessSize::B8, _) => value,
                    (_, false) => old & !0xffff_ffff | value,
                    (_, true) => old & 0xffff_ffff | value << 32,
                },
            );
        }
        _ => {}
    }
}

/// Reads one byte for each interrupt of the access.
pub(super) fn read_bytes(first: u32, size: AccessSize, mut read: impl FnMut(u32) -> u8) -> u64 {
    (0..size.bytes()).fold(0, |value, n| value | u64::from(read(first + n)) << (8 * n))
}

/// The interrupts of an access and their bytes.
pub(super) fn bytes(first: u32, size: AccessSize, value: u64) -> impl Iterator<Item = (u32, u8)> {
    (0..size.bytes()).map(move |n| (first + n, byte(word(value >> (8 * n)))))
}

/// ICFGR from the 16 low bits: bit 2n + 1 says edge.
pub(super) fn config(edge: u32) -> u32 {
    (0..16).fold(0, |value, n| value | (edge >> n & 1) << (2 * n + 1))
}

/// The opposite of [`config`].
fn edges(config: u32) -> u32 {
    (0..16).fold(0, |edge, n| edge | (config >> (2 * n + 1) & 1) << n)
}
