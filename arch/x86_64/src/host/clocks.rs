//! The machine's clocks with known rates: ACPI PM timer and PIT; and the measurement with them.

use super::acpi::PmTimer;
use super::apic::{self, TimerMode};
use super::calibrate::{Clocks, Measured, Reference, Unusable, announced, choose, measure};
use super::convert::TscToApic;
use super::instr;
use super::ports::Port;
use super::timer;

/// Attempts, for a clock that runs past its end while an emulator is busy elsewhere.
const ATTEMPTS: usize = 5;

/// ACPI PM timer (ACPI 6.5, 4.8.3.3).
struct PmClocks(Port<u32>);

impl Clocks for PmClocks {
    fn tsc(&mut self) -> u64 {
        instr::rdtsc_ordered()
    }

    fn reference(&mut self) -> Option<u32> {
        Some(self.0.read())
    }

    fn apic(&mut self) -> Option<u32> {
        apic::current_count()
    }
}

/// Channel 2 of the 8254 (Intel data sheet): 16 bits that count down once, 55 ms long.
struct PitClocks {
    counter: Port<u8>,
    command: Port<u8>,
    gate: Port<u8>,
}

impl PitClocks {
    const REFERENCE: Reference = Reference { hz: 1_193_182, mask: 0xffff };

    fn new() -> Self {
        // SAFETY: the ports of the 8254 and of its gate; they reach no memory.
        unsafe { Self { counter: Port::new(0x42), command: Port::new(0x43), gate: Port::new(0x61) } }
    }

    /// Starts the count, with the speaker off.
    fn start(&self) {
        const GATE: u8 = 1;
        const SPEAKER: u8 = 2;
        let others = self.gate.read() & !(GATE | SPEAKER);
        self.gate.write(others);
        self.command.write(0b1011_0000);
        self.counter.write(0xff);
        self.counter.write(0xff);
        self.gate.write(others | GATE);
    }
}

impl Clocks for PitClocks {
    fn tsc(&mut self) -> u64 {
        instr::rdtsc_ordered()
    }

    fn reference(&mut self) -> Option<u32> {
        const OUTPUT: u8 = 1 << 5;
        self.command.write(0b1000_0000);
        let value = u16::from_le_bytes([self.counter.read(), self.counter.read()]);
        (self.gate.read() & OUTPUT == 0).then_some(u32::from(!value))
    }

    fn apic(&mut self) -> Option<u32> {
        apic::current_count()
    }
}

fn measure_with(pm_timer: Option<PmTimer>) -> Result<Measured, Unusable> {
    if let Some(PmTimer { port, is_32_bit }) = pm_timer {
        let mask = if is_32_bit { u32::MAX } else { 0xff_ffff };
        // SAFETY: the FADT says that this is the PM timer, which can only be read.
        let mut clocks = PmClocks(unsafe { Port::new(port) });
        let result = measure(&mut clocks, Reference { hz: 3_579_545, mask });
        if result.is_ok() {
            return result;
        }
    }
    let mut result = Err(Unusable);
    for _ in 0..ATTEMPTS {
        let mut clocks = PitClocks::new();
        clocks.start();
        result = measure(&mut clocks, PitClocks::REFERENCE);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// What CPUID says about the TSC's frequency.
fn announced_by_cpuid() -> Option<u64> {
    let highest = instr::cpuid(0, 0).eax;
    if highest < 0x15 {
        return None;
    }
    let ratio = instr::cpuid(0x15, 0);
    let base_mhz = if highest >= 0x16 { instr::cpuid(0x16, 0).eax & 0xffff } else { 0 };
    announced((ratio.eax, ratio.ebx, ratio.ecx), base_mhz)
}

/// Measures the APIC timer by letting it run out, where its count cannot be read: doubles the count until it lasts
/// 10 ms. The timer's interrupt is left pending.
fn apic_rate_by_expiry(tsc_hz: u64) -> Option<u64> {
    apic::enable_timer(TimerMode::OneShot);
    for bits in 16..32 {
        let count = 1_u32 << bits;
        let start = instr::rdtsc_ordered();
        apic::set_initial_count(count);
        while !apic::timer_is_pending() {
            if instr::rdtsc().wrapping_sub(start) > tsc_hz {
                return None;
            }
            instr::pause();
        }
        let passed = instr::rdtsc_ordered() - start;
        if passed >= tsc_hz / 100 {
            return Some(u64::from(count) * tsc_hz / passed);
        }
        instr::sti_nop_cli();
    }
    None
}

/// No clock with a known rate, and no word of CPUID: time cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoClock;

/// Finds out the frequencies and sets up [`timer`] with them. The local APIC is enabled, interrupts are disabled.
///
/// # Errors
/// [`NoClock`].
pub(super) fn calibrate(pm_timer: Option<PmTimer>) -> Result<(), NoClock> {
    let has_deadline_timer = instr::cpuid(1, 0).ecx & 1 << 24 != 0;
    apic::start_masked_count();
    let measured = measure_with(pm_timer).ok();
    let tsc_hz = choose(measured.map(|measured| measured.tsc), announced_by_cpuid()).ok_or(NoClock)?;
    let conversion = if has_deadline_timer {
        None
    } else {
        let measured_rate = measured.and_then(|measured| measured.apic);
        let apic_hz = measured_rate.or_else(|| apic_rate_by_expiry(tsc_hz)).ok_or(NoClock)?;
        Some(TscToApic::new(tsc_hz, apic_hz).ok_or(NoClock)?)
    };
    timer::set_up(tsc_hz, conversion);
    Ok(())
}
