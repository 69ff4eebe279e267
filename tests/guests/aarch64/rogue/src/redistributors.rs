//! The redistributors of a GICv3: the own one, those of others, and the space behind them.

use crate::distributor::sweep_page;
use crate::sgis;
use guest_arm_rt::gic::v3::{self, SGI_PAGE, STRIDE, gicr};
use guest_arm_rt::gic::{self, gicd};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::{cpu, hypercall, mmio, start_info};

const LAST: u64 = 1 << 4;
/// PPIs.
const PPIS: u32 = 0xffff_0000;
const SLEEP: u32 = 1 << 1;

pub(crate) fn run() {
    if !gic::is_v3() {
        return;
    }
    frames();
    own();
    others();
    if hypercall::on_phalanx() {
        every_offset();
    }
    gic::reset();
    sgis::still_work("redistributors-afterwards");
}

fn packed(affinity: u64) -> u64 {
    affinity >> 8 & 0xff00_0000 | affinity & 0xff_ffff
}

/// One frame a CPU, with its affinity; the last one says so; behind it nothing is.
fn frames() {
    let mut sweep = Sweep::new("redistributor-frames");
    let cpus = start_info::cpus();
    for (number, &affinity) in (0..).zip(cpus) {
        let frame = v3::redistributors() + number * STRIDE;
        let typer = mmio::read64(frame + gicr::TYPER);
        sweep.expect(Hex(frame), typer >> 32, packed(affinity));
        sweep.expect("last", typer & LAST != 0, number as usize + 1 == cpus.len());
        let halves = [0, 4].map(|half| u64::from(mmio::read32(frame + gicr::TYPER + half)));
        sweep.expect("halves", halves[1] << 32 | halves[0], typer);
        sweep.expect("version", mmio::read32(frame + gicr::PIDR2) >> 4 & 0xf, 3);
        mmio::write64(frame + gicr::TYPER, u64::MAX);
        sweep.expect("read-only", mmio::read64(frame + gicr::TYPER), typer);
    }
    if hypercall::on_phalanx() {
        let end = v3::redistributors() + cpus.len() as u64 * STRIDE;
        for offset in [0, 8, 0x100, SGI_PAGE, STRIDE, 7 * STRIDE] {
            sweep.expect(Hex(end + offset), mmio::read32(end + offset), u32::MAX);
        }
    }
    sweep.finish();
}

fn own() {
    let mut sweep = Sweep::new("redistributor-own");
    let frame = v3::redistributor();
    let page = frame + SGI_PAGE;
    for (set, clear) in [(gicd::ISENABLER, gicd::ICENABLER), (gicd::ISACTIVER, gicd::ICACTIVER)] {
        let before = mmio::read32(page + set);
        mmio::write32(page + clear, u32::MAX);
        sweep.expect(Hex(set), mmio::read32(page + set) & !PPIS, 0);
        mmio::write32(page + set, 0x0800_00f0);
        sweep.expect(Hex(set), (mmio::read32(page + set), mmio::read32(page + clear)), (0x0800_00f0, 0x0800_00f0));
        mmio::write32(page + clear, u32::MAX);
        mmio::write32(page + set, before);
    }
    for byte in 0..32 {
        mmio::write8(page + gicd::IPRIORITYR + byte, 0x38);
        sweep.expect(byte, mmio::read8(page + gicd::IPRIORITYR + byte), 0x38);
        mmio::write8(page + gicd::IPRIORITYR + byte, gic::PRIORITY);
    }
    let waker = frame + gicr::WAKER;
    mmio::write32(waker, 0);
    sweep.expect("awake", mmio::read32(waker) & SLEEP, 0);
    sweep.finish();
}

/// Another CPU's private interrupts are its own: what is written there shows there, and not here.
fn others() {
    let mut sweep = Sweep::new("redistributor-others");
    let here = v3::redistributor() + SGI_PAGE;
    for &affinity in start_info::cpus().iter().filter(|&&affinity| affinity != cpu::affinity()) {
        let Some(frame) = v3::redistributor_of(affinity) else { continue };
        let there = frame + SGI_PAGE;
        let before = (mmio::read32(here + gicd::ISENABLER), mmio::read32(here + gicd::ISPENDR));
        mmio::write32(there + gicd::ISENABLER, 0x0100);
        sweep.expect(Hex(affinity), mmio::read32(there + gicd::ISENABLER) & 0x0100, 0x0100);
        mmio::write32(there + gicd::ISPENDR, 0x0100);
        sweep.expect(Hex(affinity), mmio::read32(there + gicd::ISPENDR) & 0x0100, 0x0100);
        mmio::write8(there + gicd::IPRIORITYR + 8, 0x18);
        sweep.expect(Hex(affinity), mmio::read8(there + gicd::IPRIORITYR + 8), 0x18);
        let after = (mmio::read32(here + gicd::ISENABLER), mmio::read32(here + gicd::ISPENDR));
        sweep.expect("here", after, before);
        sweep.expect("here", gic::priority(8), gic::PRIORITY);
        mmio::write32(there + gicd::ICPENDR, 0x0100);
        sweep.expect(Hex(affinity), mmio::read32(there + gicd::ISPENDR) & 0x0100, 0);
        mmio::write32(there + gicd::ICENABLER, u32::MAX);
    }
    sweep.finish();
}

fn every_offset() {
    let mut sweep = Sweep::new("redistributor-offsets");
    let identity = |frame: u64| (mmio::read64(frame + gicr::TYPER), mmio::read32(frame + gicr::IIDR));
    for number in 0..start_info::cpus().len() as u64 {
        let frame = v3::redistributors() + number * STRIDE;
        let before = identity(frame);
        for page in [frame, frame + SGI_PAGE] {
            sweep_page(page, 0x1000, &mut sweep);
            sweep_page(page + 0xf000, 0x1000, &mut sweep);
        }
        sweep.expect(Hex(frame), identity(frame), before);
        // All were disabled, none is pending that cannot be taken back.
        mmio::write32(frame + SGI_PAGE + gicd::ICENABLER, u32::MAX);
        mmio::write32(frame + SGI_PAGE + gicd::ICPENDR, u32::MAX);
        mmio::write32(frame + SGI_PAGE + gicd::ICACTIVER, u32::MAX);
    }
    sweep.finish();
}
