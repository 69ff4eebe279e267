//! Ends of interrupts: in one step and in two, and of what was never acknowledged.

use crate::sgis::{self, drain};
use guest_arm_rt::cpu;
use guest_arm_rt::gic::{self, FIRST_SPI};
use guest_arm_rt::irq::NONE;
use guest_arm_rt::report::Sweep;

const SGI: u32 = 7;
const SPI: u32 = FIRST_SPI + 41;
const IDLE: u8 = 0xff;

pub(crate) fn run() {
    drain();
    gic::set_edge(SPI, true);
    gic::route(SPI, cpu::affinity(), 0);
    gic::enable(SPI);
    one_step();
    two_steps();
    never_acknowledged();
    gic::split_end(false);
    gic::reset();
    sgis::still_work("endings-afterwards");
}

fn raise(intid: u32) {
    if intid < FIRST_SPI { gic::send_self(intid) } else { gic::set_pending(intid) }
}

fn one_step() {
    let mut sweep = Sweep::new("end-one-step");
    gic::split_end(false);
    for intid in [SGI, SPI] {
        raise(intid);
        let raw = gic::acknowledge();
        sweep.expect(intid, (gic::intid(raw), gic::is_active(intid)), (intid, true));
        gic::end(raw);
        sweep.expect(intid, (gic::is_active(intid), gic::running_priority()), (false, IDLE));
    }
    sweep.finish();
}

/// The end drops the priority, others get through; the interrupt itself comes again when it is deactivated.
fn two_steps() {
    let mut sweep = Sweep::new("end-two-steps");
    gic::split_end(true);
    for (intid, other) in [(SGI, 2), (SPI, 2), (SGI, SPI)] {
        raise(intid);
        let raw = gic::acknowledge();
        sweep.expect(intid, gic::intid(raw), intid);
        gic::end(raw);
        sweep.expect(intid, (gic::is_active(intid), gic::running_priority()), (true, IDLE));
        raise(intid);
        sweep.expect("held back while active", gic::intid(gic::acknowledge()), NONE);
        raise(other);
        let another = gic::acknowledge();
        sweep.expect("another", gic::intid(another), other);
        gic::end(another);
        gic::deactivate(another);
        gic::deactivate(raw);
        let again = gic::acknowledge();
        sweep.expect("again", gic::intid(again), intid);
        gic::end(again);
        gic::deactivate(again);
        sweep.expect("over", (gic::is_active(intid), gic::intid(gic::acknowledge())), (false, NONE));
    }
    sweep.finish();
}

/// Whatever number is ended or deactivated without having been acknowledged: nothing comes, nothing breaks.
fn never_acknowledged() {
    let mut sweep = Sweep::new("end-unknown");
    for split in [false, true] {
        gic::split_end(split);
        for raw in (0..1100).chain([8191, 8192, 0xffff, 0xff_ffff, u32::MAX]) {
            gic::end(raw);
            if split {
                gic::deactivate(raw);
            }
        }
        sweep.expect("nothing pending", gic::intid(gic::acknowledge()), NONE);
        sweep.expect("idle", gic::running_priority(), IDLE);
        raise(SGI);
        let raw = gic::acknowledge();
        sweep.expect("an interrupt", gic::intid(raw), SGI);
        // Others' ends while one is active.
        for other in (0..96).filter(|&other| other != SGI && split) {
            gic::deactivate(other);
        }
        sweep.expect("still active", gic::is_active(SGI), true);
        gic::end(raw);
        if split {
            gic::deactivate(raw);
        }
        sweep.expect("over", gic::is_active(SGI), false);
    }
    // By the distributor: an active state that nobody acknowledged holds the interrupt back until it is taken away.
    gic::split_end(false);
    gic::set_active(SPI);
    raise(SPI);
    sweep.expect("made active", (gic::is_active(SPI), gic::intid(gic::acknowledge())), (true, NONE));
    gic::clear_active(SPI);
    let raw = gic::acknowledge();
    sweep.expect("taken away", gic::intid(raw), SPI);
    gic::end(raw);
    sweep.finish();
}
