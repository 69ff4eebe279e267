//! Software-generated interrupts: well-formed ones arrive once, malformed ones do not, and neither breaks anything.

use guest_arm_rt::gic::{self, gicd, v2, v3};
use guest_arm_rt::irq::{self, NONE};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::{clock, cpu, hypercall, mmio, start_info, write_register};

const MILLISECOND: u64 = 1000;
/// SGIs of a CPU.
const SGIS: u32 = 16;

pub(crate) fn run() {
    each();
    if gic::is_v3() {
        malformed_v3()
    } else {
        malformed_v2()
    }
    held_back();
    still_work("sgis-afterwards");
}

/// Acknowledges and ends everything that is pending, IRQs masked; how many there were.
pub(crate) fn drain() -> u64 {
    let mut count = 0;
    // A list that has run empty is filled again within moments.
    clock::within(20, || {
        let raw = gic::acknowledge();
        if gic::intid(raw) != NONE {
            gic::end(raw);
            count += 1;
        }
        count > 1000
    });
    count
}

/// Lets interrupts in until `intid` has come `times` times, or a while has passed; how often it came.
fn received(intid: u32, times: u64) -> u64 {
    cpu::enable_interrupts();
    clock::within(if times == 0 { MILLISECOND / 5 } else { 500 * MILLISECOND }, || {
        times > 0 && irq::received(intid) >= times
    });
    cpu::disable_interrupts();
    irq::received(intid)
}

/// Each SGI to itself arrives, once, however often it was asked for while it was pending.
fn each() {
    let mut sweep = Sweep::new("sgis");
    drain();
    for intid in 0..SGIS {
        irq::forget(intid);
        gic::send_self(intid);
        gic::send_self(intid);
        sweep.expect(format_args!("pending {intid}"), gic::is_pending(intid), true);
        sweep.expect(intid, received(intid, 1), 1);
        sweep.expect(format_args!("pending {intid}"), gic::is_pending(intid), false);
        gic::send_sgi(intid, cpu::affinity(), 0);
        sweep.expect(intid, received(intid, 2), 2);
    }
    gic::send_others(0);
    irq::forget(0);
    sweep.expect("to all others", received(0, 0), 0);
    sweep.finish();
}

fn malformed_v3() {
    let mut sweep = Sweep::new("sgis-malformed");
    let own = cpu::affinity();
    let right = v3::sgi_value(4, own);
    // The range selector is reserved where there are 16 CPUs at most: it is heeded or not.
    v3::write_sgi(right | 0xf << 44);
    drain();
    // Absent affinities, an empty list, an absent CPU.
    let nowhere =
        [right | 0xff << 16, right | 0xff << 32, right | 0xff << 48, right & !0xffff, right & !0xffff | 1 << 15];
    let to_nobody = nowhere.into_iter().filter(|_| start_info::cpus().len() < SGIS as usize);
    irq::forget(4);
    for value in to_nobody {
        v3::write_sgi(value);
        sweep.expect(Hex(value), gic::is_pending(4), false);
    }
    // All others: the list and the affinities are ignored.
    v3::write_sgi(right | 1 << 40);
    sweep.expect("all others", gic::is_pending(4), false);
    // Reserved bits have no meaning.
    v3::write_sgi(right | 7 << 41 | 0xf << 28 | 1 << 63);
    sweep.expect("reserved bits", received(4, 1), 1);
    // Group 0 is not what SGIs here are in; the alias is of the other security state, of which there is none.
    irq::forget(4);
    // SAFETY: interrupts at most. ICC_SGI0R_EL1.
    unsafe { write_register!("S3_0_C12_C11_7", right) };
    sweep.expect("group 0", received(4, 0), 0);
    // SAFETY: as above. ICC_ASGI1R_EL1.
    unsafe { write_register!("S3_0_C12_C11_6", right) };
    sweep.judge(received(4, 0) <= 1, "alias", irq::received(4));
    for value in [u64::MAX, 0, 1 << 63, 0xdead_beef_dead_beef] {
        v3::write_sgi(value);
    }
    drain();
    sweep.finish();
}

fn malformed_v2() {
    let mut sweep = Sweep::new("sgis-malformed");
    let sgir = gic::distributor() + gicd::SGIR;
    irq::forget(4);
    // Filter 3 is reserved; an empty list; CPUs that are not there; all others.
    let absent = 0xff_u32 << start_info::cpus().len() & 0xff;
    let to_nobody = if hypercall::on_phalanx() { [3 << 24 | 4, 3 << 24 | 1 << 16 | 4, 4] } else { [4; 3] };
    for value in to_nobody.into_iter().chain([absent << 16 | 4, 1 << 24 | 4, 1 << 24 | 1 << 16 | 4]) {
        mmio::write32(sgir, value);
        sweep.expect(Hex(value.into()), gic::is_pending(4), false);
    }
    mmio::write32(sgir, 0xfc00_7ff0 & !(3 << 24) | 2 << 24 | 4);
    sweep.expect("reserved bits", received(4, 1), 1);
    // By the pending registers: a bit for each sender, and only senders that exist.
    irq::forget(5);
    let set = gic::distributor() + gicd::SPENDSGIR;
    mmio::write8(set + 5, 1);
    sweep.expect("set", (mmio::read8(set + 5), gic::is_pending(5)), (1, true));
    mmio::write8(gic::distributor() + gicd::CPENDSGIR + 5, 1);
    sweep.expect("cleared", (mmio::read8(set + 5), received(5, 0)), (0, 0));
    mmio::write8(set + 5, 1);
    sweep.expect("set again", received(5, 1), 1);
    for value in [u32::MAX, 0xdead_beef] {
        mmio::write32(sgir, value);
    }
    v2::send_sgi(7, 0xff);
    drain();
    sweep.finish();
}

/// Disabled and pending: it comes when it is enabled.
fn held_back() {
    let mut sweep = Sweep::new("sgis-held-back");
    irq::forget(6);
    gic::disable(6);
    if gic::is_enabled(6) {
        // A GICv2 may have its SGIs enabled for ever.
        return;
    }
    gic::send_self(6);
    sweep.expect("disabled", received(6, 0), 0);
    sweep.expect("pending", gic::is_pending(6), true);
    gic::enable(6);
    sweep.expect("enabled", received(6, 1), 1);
    sweep.finish();
}

/// All SGIs of this CPU still arrive.
pub(crate) fn still_work(name: &'static str) {
    let mut sweep = Sweep::new(name);
    drain();
    for intid in 0..SGIS {
        irq::forget(intid);
        gic::send_self(intid);
        sweep.expect(intid, received(intid, 1), 1);
    }
    sweep.expect("nothing else", gic::intid(gic::acknowledge()), NONE);
    sweep.finish();
}
