//! The registers of SGIs and PPIs: in GICv2's distributor those of the CPU that looks, in GICv3 a frame for each vCPU that
//! all of them reach (IHI 0069 12.10 to 12.12).

use phalanx_arch_api::{AccessSize, VcpuIndex};

use super::Vgic;
use super::access::GicAnswer;
use super::bits::{byte, word};
use super::cell::Cell;
use super::distributor::{bytes, config, read_bytes};
use super::fold::take_sgis;
use super::identity::{Frame, IIDR, identification, redistributor_typer};
use super::map::{Array, Register, offset};
use super::private::Private;
use super::shared::set_of;
use crate::gic::{Gic, Version};

/// Offset of the second frame of a redistributor: SGIs and PPIs.
const SGI_FRAME: u32 = 0x1_0000;
/// GICR_WAKER: ProcessorSleep.
const PROCESSOR_SLEEP: u32 = 1 << 1;
/// GICR_WAKER: ChildrenAsleep, which follows at once.
const CHILDREN_ASLEEP: u32 = 1 << 2;

impl Vgic {
    /// An aligned access to the redistributor of vCPU `index` that has no shortcut.
    #[inline(never)]
    pub(super) fn redistributor<G: Gic>(&self, vcpu: VcpuIndex, index: u64, register: Register) -> GicAnswer {
        let owner = VcpuIndex(byte(word(index)));
        let Some(offset) = register.offset.checked_sub(SGI_FRAME) else {
            return self.redistributor_word(owner, register);
        };
        match (Register { offset, ..register }).array(Version::V3) {
            Some(array) if owner == vcpu => self.own_array::<G>(vcpu, array, register),
            Some(array) => self.foreign_array(owner, array, register),
            None => GicAnswer::IGNORED,
        }
    }

    fn redistributor_word(&self, owner: VcpuIndex, register: Register) -> GicAnswer {
        let Some(cell) = self.cell(owner).filter(|_| register.size == AccessSize::B4) else {
            return GicAnswer::IGNORED;
        };
        if let Some(value) = register.write_word() {
            if register.offset == offset::GICR_WAKER {
                cell.private.lock().asleep = value & PROCESSOR_SLEEP != 0;
            }
            return GicAnswer::IGNORED;
        }
        let index = u64::from(owner.0);
        let typer = redistributor_typer(index, index + 1 == self.cells.len() as u64);
        GicAnswer::value(match register.offset {
            offset::GICR_IIDR => u64::from(IIDR),
            offset::GICR_TYPER => typer & 0xffff_ffff,
            offset::GICR_TYPER_HIGH => typer >> 32,
            offset::GICR_WAKER if cell.private.lock().asleep => u64::from(PROCESSOR_SLEEP | CHILDREN_ASLEEP),
            other => u64::from(identification(Frame::Redistributor, other).unwrap_or(0)),
        })
    }

    /// Private interrupts of the vCPU that asks.
    pub(super) fn own_array<G: Gic>(&self, vcpu: VcpuIndex, array: Array, register: Register) -> GicAnswer {
        if let Some(value) = register.write {
            return GicAnswer::wake(self.change::<G>(vcpu, |private, _| {
                write(private, G::VERSION, array, register.size, value, false);
            }));
        }
        if !in_list_registers(array) {
            let value = self.cell(vcpu).map_or(0, |cell| read(&cell.private.lock(), array, register.size));
            return GicAnswer::value(value);
        }
        let mut value = 0;
        let wake = self.change::<G>(vcpu, |private, _| value = read(private, array, register.size));
        GicAnswer { value, wake }
    }

    /// Private interrupts of another vCPU (GICv3): if it is loaded somewhere, it is made to look.
    fn foreign_array(&self, owner: VcpuIndex, array: Array, register: Register) -> GicAnswer {
        let Some(cell) = self.cell(owner) else { return GicAnswer::IGNORED };
        let mut private = cell.private.lock();
        let sgis = cell.take_sgis();
        take_sgis(Version::V3, cell, &mut private, sgis);
        let mut value = 0;
        match register.write {
            Some(value) => {
                let loaded = private.loaded;
                write(&mut private, Version::V3, array, register.size, value, loaded);
            }
            None => value = read(&private, array, register.size),
        }
        let look = register.write.is_some() || in_list_registers(array) || sgis != 0;
        look_at(cell, look, owner, value)
    }
}

/// The answer about a vCPU that has to look at what changed.
fn look_at(cell: &Cell, look: bool, owner: VcpuIndex, value: u64) -> GicAnswer {
    if !look {
        return GicAnswer::value(value);
    }
    // What goes to it from now on goes through software, until it has looked.
    cell.close();
    cell.alert();
    GicAnswer { value, wake: set_of(owner.0) }
}

/// Whether the value may be in list registers.
const fn in_list_registers(array: Array) -> bool {
    match array {
        Array::Bits { field, .. } => field.is_listed(),
        Array::ClearPendingSgi { .. } | Array::SetPendingSgi { .. } => true,
        _ => false,
    }
}

fn read(private: &Private, array: Array, size: AccessSize) -> u64 {
    match array {
        Array::Bits { field, bank: 0 } => u64::from(private.bank.read(field)),
        Array::Priority { first: first @ 0..32 } => read_bytes(first, size, |intid| private.bank.priority(intid)),
        Array::Config { first: first @ 0..32 } => u64::from(config(private.bank.edge >> first)),
        Array::ClearPendingSgi { first } | Array::SetPendingSgi { first } => {
            read_bytes(first, size, |sgi| private.sgi_sources(sgi))
        }
        _ => 0,
    }
}

fn write(private: &mut Private, version: Version, array: Array, size: AccessSize, value: u64, foreign: bool) {
    match array {
        Array::Bits { field, bank: 0 } => private.write(version, field, word(value), foreign),
        Array::Priority { first: first @ 0..32 } => {
            bytes(first, size, value).for_each(|(intid, priority)| private.bank.set_priority(intid, priority));
            private.stale = true;
        }
        Array::SetPendingSgi { first } => {
            bytes(first, size, value)
                .filter(|(_, sources)| *sources != 0)
                .for_each(|(sgi, sources)| private.post_sgi(sgi, sources));
        }
        Array::ClearPendingSgi { first } => {
            bytes(first, size, value).for_each(|(sgi, sources)| private.withdraw_sgi(sgi, sources));
        }
        // SGIs are edge-triggered, PPIs level-sensitive (ICFGR0, ICFGR1).
        _ => {}
    }
}
