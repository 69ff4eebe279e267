//! The distributor: every offset in every size, and what its registers keep.

use crate::sgis;
use guest_arm_rt::gic::{self, gicd};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::{cpu, hypercall, mmio, println};

/// Bytes of the distributor's registers: 4 KiB in GICv2, 64 KiB in GICv3. The virtual one has 64 KiB of addresses.
const BYTES: u64 = 0x1_0000;
/// INTIDs that Phalanx gives: 32 private ones and 64 shared.
const INTIDS: u32 = 96;
/// Bits of a priority that are kept.
const PRIORITY_BITS: u8 = 0xf8;

pub(crate) fn run() {
    banks();
    priorities();
    configuration();
    routing();
    identity();
    if hypercall::on_phalanx() {
        every_offset();
        beyond();
    } else {
        println!("# no distributor-offsets: no Phalanx");
    }
    gic::reset();
    sgis::still_work("distributor-afterwards");
}

fn base() -> u64 {
    gic::distributor()
}

/// Words of a bank of one bit an SPI.
fn words() -> impl Iterator<Item = u64> {
    (1..u64::from(gic::intids()) / 32).map(|word| word * 4)
}

/// Set and clear registers of the shared interrupts.
fn banks() {
    let mut sweep = Sweep::new("distributor-banks");
    let banks =
        [(gicd::ISENABLER, gicd::ICENABLER), (gicd::ISPENDR, gicd::ICPENDR), (gicd::ISACTIVER, gicd::ICACTIVER)];
    for intid in gic::FIRST_SPI..gic::intids().min(1020) {
        gic::set_edge(intid, true);
    }
    for ((set, clear), word) in banks.into_iter().flat_map(|bank| words().map(move |word| (bank, word))) {
        let (set, clear) = (base() + set + word, base() + clear + word);
        let all = if word == 0x7c { 0x0fff_ffff } else { u32::MAX };
        mmio::write32(clear, u32::MAX);
        sweep.expect(Hex(set), (mmio::read32(set), mmio::read32(clear)), (0, 0));
        mmio::write32(set, 0x0f0f_00ff & all);
        sweep.expect(Hex(set), (mmio::read32(set), mmio::read32(clear)), (0x0f0f_00ff & all, 0x0f0f_00ff & all));
        mmio::write32(set, 0);
        mmio::write32(clear, 0x000f_000f);
        sweep.expect(Hex(set), mmio::read32(set), 0x0f00_00f0 & all);
        mmio::write32(clear, u32::MAX);
        sweep.expect(Hex(set), mmio::read32(set), 0);
    }
    sweep.finish();
}

/// Priorities keep their upper bits, byte by byte and word by word.
fn priorities() {
    let mut sweep = Sweep::new("distributor-priorities");
    for intid in gic::FIRST_SPI..gic::intids().min(1020) {
        for value in [0, 0xff, 0x55, gic::PRIORITY] {
            gic::set_priority(intid, value);
            let kept = if hypercall::on_phalanx() { PRIORITY_BITS } else { 0xf0 };
            sweep.expect(intid, gic::priority(intid) & kept, value & kept);
        }
    }
    let word = base() + gicd::IPRIORITYR + u64::from(gic::FIRST_SPI);
    mmio::write32(word, 0x1020_3040);
    sweep.expect("a word", mmio::read32(word), 0x1020_3040);
    sweep.expect("its bytes", [0, 1, 2, 3].map(|byte| mmio::read8(word + byte)), [0x40, 0x30, 0x20, 0x10]);
    sweep.finish();
}

/// SPIs are level or edge, SGIs are edge for ever.
fn configuration() {
    let mut sweep = Sweep::new("distributor-configuration");
    for word in 2..u64::from(gic::intids().min(INTIDS)) / 16 {
        let register = base() + gicd::ICFGR + word * 4;
        for value in [0, u32::MAX, 0x8888_2222, 0x5555_5555] {
            mmio::write32(register, value);
            sweep.expect(Hex(register), mmio::read32(register) & 0xaaaa_aaaa, value & 0xaaaa_aaaa);
        }
        mmio::write32(register, 0);
    }
    let sgis = gic::registers(0) + gicd::ICFGR;
    mmio::write32(sgis, 0);
    sweep.expect("SGIs", mmio::read32(sgis), 0xaaaa_aaaa);
    sweep.finish();
}

fn routing() {
    let mut sweep = Sweep::new("distributor-routing");
    // GICD_TYPER.No1N: an interrupt has one target, so the bit for "any" is not kept.
    let typer = mmio::read32(base() + gicd::TYPER);
    let without = if typer >> 25 & 1 != 0 { 1 << 31 } else { 0 };
    // With one CPU there is nothing to choose: the register is RAZ/WI (IHI 0048, 4.3.12).
    let kept = u8::from(typer >> 5 & 7 != 0);
    for intid in (gic::FIRST_SPI..gic::intids().min(INTIDS)).map(u64::from) {
        if gic::is_v3() {
            let register = base() + gicd::IROUTER + intid * 8;
            for value in [cpu::affinity(), 0x1, 0x0000_00ff_00ff_ffff, 1 << 31, 0] {
                mmio::write64(register, value);
                sweep.expect(Hex(register), mmio::read64(register), value & !without);
            }
            mmio::write32(register, 1);
            sweep.expect("half", mmio::read32(register), 1);
            mmio::write64(register, cpu::affinity());
        } else {
            let register = base() + gicd::ITARGETSR + intid;
            mmio::write8(register, 0);
            sweep.expect(Hex(register), mmio::read8(register), 0);
            mmio::write8(register, 1);
            sweep.expect(Hex(register), mmio::read8(register), kept);
        }
    }
    sweep.finish();
}

fn identity() {
    let mut sweep = Sweep::new("distributor-identity");
    let read = || [gicd::TYPER, gicd::IIDR].map(|offset| mmio::read32(base() + offset));
    let before = read();
    for offset in [gicd::TYPER, gicd::IIDR] {
        for value in [0, u32::MAX] {
            mmio::write32(base() + offset, value);
        }
    }
    sweep.expect("read-only", read(), before);
    let version = mmio::read32(base() + if gic::is_v3() { gicd::PIDR2 } else { 0xfe8 }) >> 4 & 0xf;
    sweep.expect("version", version, if gic::is_v3() { 3 } else { 2 });
    if hypercall::on_phalanx() {
        sweep.expect("INTIDs", gic::intids(), INTIDS);
        sweep.expect("no security", before[0] >> 10 & 1, 0);
    }
    sweep.finish();
}

/// Reads and writes of each size at each offset: none faults, and what is read-only stays.
fn every_offset() {
    let mut sweep = Sweep::new("distributor-offsets");
    let before = (mmio::read32(base() + gicd::TYPER), mmio::read32(base() + gicd::IIDR));
    sweep_page(base(), BYTES, &mut sweep);
    let after = (mmio::read32(base() + gicd::TYPER), mmio::read32(base() + gicd::IIDR));
    sweep.expect("identity", after, before);
    sweep.finish();
}

/// Every aligned offset in every size: reads twice, writes zeros and ones.
pub(crate) fn sweep_page(page: u64, bytes: u64, sweep: &mut Sweep) {
    let mut tried = 0_u64;
    for offset in 0..bytes {
        let at = page + offset;
        tried += 1;
        let _: u8 = mmio::read8(at);
        mmio::write8(at, 0xff);
        mmio::write8(at, 0);
        if offset % 2 == 0 {
            let _: u16 = mmio::read16(at);
            mmio::write16(at, 0xffff);
            mmio::write16(at, 0);
        }
        if offset % 4 == 0 {
            let _: u32 = mmio::read32(at);
            mmio::write32(at, u32::MAX);
            mmio::write32(at, 0);
        }
        if offset % 8 == 0 {
            let _: u64 = mmio::read64(at);
            mmio::write64(at, u64::MAX);
            mmio::write64(at, 0);
        }
    }
    sweep.expect("offsets", tried, bytes);
}

/// Interrupts that do not exist have no state.
fn beyond() {
    let mut sweep = Sweep::new("distributor-beyond");
    let first = u64::from(INTIDS);
    for intid in first..1024 {
        let word = intid / 32 * 4;
        for bank in [gicd::ISENABLER, gicd::ISPENDR, gicd::ISACTIVER, gicd::IGROUPR] {
            mmio::write32(base() + bank + word, u32::MAX);
            sweep.expect(Hex(bank + word), mmio::read32(base() + bank + word), 0);
        }
        mmio::write8(base() + gicd::IPRIORITYR + intid, 0xff);
        sweep.expect(intid, mmio::read8(base() + gicd::IPRIORITYR + intid), 0);
        if gic::is_v3() && intid < 1020 {
            mmio::write64(base() + gicd::IROUTER + intid * 8, u64::MAX);
            sweep.expect(intid, mmio::read64(base() + gicd::IROUTER + intid * 8), 0);
        }
    }
    if gic::is_v3() {
        // With affinity routing the distributor's registers of private interrupts hold nothing (IHI 0069, 12.9).
        for bank in [gicd::ISENABLER, gicd::ISPENDR, gicd::ISACTIVER] {
            mmio::write32(base() + bank, u32::MAX);
            sweep.expect(Hex(bank), mmio::read32(base() + bank), 0);
        }
        mmio::write32(base() + gicd::SGIR, 2 << 24 | 5);
        sweep.expect("SGIR does nothing", gic::is_pending(5), false);
    }
    sweep.finish();
}
