//! MSRs: known ones have their value, unknown ones raise #GP for reads and writes, reserved bits raise #GP.

use crate::msr_lists::{PRESENT, REFUSED, Value, X2APIC, is_optional};
use guest_rt::racy::Racy;
use guest_rt::report::{Hex, Sweep};
use guest_rt::trap::{GP, last_rip};
use guest_rt::{apic, cpu, msr};

const SYSTEM_TIME: u32 = 0x4b56_4d01;
const WALL_CLOCK: u32 = 0x4b56_4d00;

/// All MSRs that the sweep touches: the three ranges of the permission map, and those of hypervisors.
fn all() -> impl Iterator<Item = u32> {
    let architectural = (0..0x2000).chain(0xc000_0000..0xc000_2000).chain(0xc001_0000..0xc001_2000);
    let hypervisors = (0x4000_0000..0x4000_0200).chain(0x4b56_4d00..0x4b56_4d10);
    architectural.chain(hypervisors).chain([0x2000, 0xbfff_ffff, 0xc000_2000, 0xc001_2000, 0x8000_0000, u32::MAX])
}

fn is_unknown(msr: &u32) -> bool {
    !is_optional(*msr) && !PRESENT.iter().any(|(known, _)| known == msr) && !X2APIC.contains(msr)
}

pub(crate) fn run() {
    present();
    unknown_reads();
    unknown_writes();
    refused();
    x2apic_is_off();
    tsc_adjust();
    paravirtual_clock();
}

fn present() {
    let mut sweep = Sweep::new("msr-present");
    apic::stop_timer();
    for (number, value) in PRESENT {
        let got = msr::try_read(number);
        match (value, got) {
            (Value::Is(want), _) => sweep.expect(Hex(number.into()), got, Ok(want)),
            (Value::Bits(mask, want), Ok(got)) => sweep.expect(Hex(number.into()), got & mask, want),
            _ => sweep.judge(got.is_ok(), Hex(number.into()), format_args!("{got:x?}")),
        }
    }
    sweep.finish();
}

fn unknown_reads() {
    let mut sweep = Sweep::new("msr-read-unknown");
    for number in all().filter(is_unknown) {
        sweep.expect(Hex(number.into()), msr::try_read(number), Err(GP));
    }
    // SAFETY: the faulting RDMSR is code of this guest.
    let code = unsafe { (last_rip() as *const u16).read_unaligned() };
    sweep.expect("RIP at the RDMSR", code, 0x320f);
    sweep.finish();
}

fn unknown_writes() {
    let mut sweep = Sweep::new("msr-write-unknown");
    for number in all().filter(is_unknown) {
        for value in [0, u64::MAX] {
            // SAFETY: a register that does not exist takes no value.
            sweep.expect(Hex(number.into()), unsafe { msr::try_write(number, value) }, Err(GP));
        }
    }
    // SAFETY: the faulting WRMSR is code of this guest.
    let code = unsafe { (last_rip() as *const u16).read_unaligned() };
    sweep.expect("RIP at the WRMSR", code, 0x300f);
    sweep.finish();
}

fn refused() {
    let mut sweep = Sweep::new("msr-write-refused");
    for (number, value, why) in REFUSED {
        let before = msr::try_read(number);
        // SAFETY: refused; if it is not, the old value is written back at once.
        let got = unsafe { msr::try_write(number, value) };
        sweep.expect(why, got, Err(GP));
        if let (Ok(()), Ok(value)) = (got, before) {
            // SAFETY: as it was.
            let _ = unsafe { msr::try_write(number, value) };
        }
        sweep.expect(why, msr::try_read(number), before);
    }
    sweep.finish();
}

/// In xAPIC mode the x2APIC registers do not exist.
fn x2apic_is_off() {
    let mut sweep = Sweep::new("msr-x2apic-off");
    for number in X2APIC {
        sweep.expect(Hex(number.into()), msr::try_read(number), Err(GP));
        // SAFETY: takes no value.
        sweep.expect(Hex(number.into()), unsafe { msr::try_write(number, 0) }, Err(GP));
    }
    sweep.finish();
}

/// TSC_ADJUST moves the TSC by what it changes, and a write to the TSC moves TSC_ADJUST.
fn tsc_adjust() {
    const STEP: u64 = 1 << 50;
    let mut sweep = Sweep::new("msr-tsc-adjust");
    let before = msr::read(msr::TSC_ADJUST);
    let near = |tsc: u64| cpu::tsc().wrapping_sub(tsc) < 1 << 36;
    let start = cpu::tsc();
    // SAFETY: nothing waits for a time-stamp.
    sweep.expect("write", unsafe { msr::try_write(msr::TSC_ADJUST, before.wrapping_add(STEP)) }, Ok(()));
    sweep.judge(near(start.wrapping_add(STEP)), "TSC", Hex(cpu::tsc()));
    sweep.expect("read", msr::try_read(msr::TSC_ADJUST), Ok(before.wrapping_add(STEP)));
    // SAFETY: as above.
    sweep.expect("TSC write", unsafe { msr::try_write(0x10, start) }, Ok(()));
    sweep.judge(near(start), "TSC after a write", Hex(cpu::tsc()));
    // SAFETY: as it was.
    sweep.expect("back", unsafe { msr::try_write(msr::TSC_ADJUST, before) }, Ok(()));
    sweep.judge(near(start), "TSC at the end", Hex(cpu::tsc()));
    sweep.finish();
}

#[repr(C, align(4096))]
struct Pages([u32; 2048]);

/// Two pages, since one of the odd addresses lies just before the end of the first.
static CLOCK: Racy<Pages> = Racy::new(Pages([0; 2048]));

/// The KVM clock fills its structure; an address that is not RAM harms nobody.
fn paravirtual_clock() {
    let mut sweep = Sweep::new("msr-clock");
    let page = CLOCK.get() as u64;
    let word = |index: usize| {
        // SAFETY: a page of this guest that the hypervisor writes.
        unsafe { (page as *const u32).add(index).read_volatile() }
    };
    // SAFETY: the hypervisor writes 32 bytes of the page.
    sweep.expect("enable", unsafe { msr::try_write(SYSTEM_TIME, page | 1) }, Ok(()));
    sweep.expect("read", msr::try_read(SYSTEM_TIME), Ok(page | 1));
    sweep.judge(word(0) != 0 && word(0).is_multiple_of(2), "version", word(0));
    sweep.judge(word(6) != 0, "multiplier", word(6));
    sweep.expect("beyond the structure", (8..2048).all(|index| word(index) == 0), true);
    // SAFETY: the hypervisor writes 12 bytes of the page.
    sweep.expect("wall clock", unsafe { msr::try_write(WALL_CLOCK, page + 64) }, Ok(()));
    sweep.judge(word(17) != 0, "seconds", word(17));
    for address in [0xd000_0000, 0xfee0_0000, 1 << 51, page + 4090, page + 2, u64::MAX << 12] {
        for number in [SYSTEM_TIME, WALL_CLOCK] {
            // SAFETY: nothing of this guest is there but the clock page.
            let got = unsafe { msr::try_write(number, address | 1) };
            sweep.judge(matches!(got, Ok(()) | Err(GP)), Hex(address), format_args!("{got:x?}"));
        }
    }
    // SAFETY: switches the clock off.
    sweep.expect("disable", unsafe { msr::try_write(SYSTEM_TIME, 0) }, Ok(()));
    sweep.finish();
}
