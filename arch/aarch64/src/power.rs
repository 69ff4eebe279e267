//! Whether a vCPU is on: the word through which another vCPU starts it (PSCI `CPU_ON`).

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Power state of a vCPU, as PSCI's AFFINITY_INFO tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Power {
    /// Off: waits for somebody to start it.
    Off = 0,
    /// Somebody has claimed it and is writing where it starts.
    Claimed = 1,
    /// Told where to start, and has not started.
    Pending = 2,
    /// On.
    On = 3,
}

/// Where a vCPU begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// First instruction.
    pub entry: u64,
    /// X0 at the first instruction.
    pub context: u64,
}

/// One vCPU's power switch. Anybody may turn it on; only the vCPU itself, or a reset of its domain, turns it off.
#[derive(Debug)]
pub struct PowerSwitch {
    state: AtomicU8,
    entry: AtomicU64,
    context: AtomicU64,
}

impl PowerSwitch {
    /// Off.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: AtomicU8::new(Power::Off as u8), entry: AtomicU64::new(0), context: AtomicU64::new(0) }
    }

    /// The state.
    #[must_use]
    pub fn power(&self) -> Power {
        match self.state.load(Ordering::Acquire) {
            0 => Power::Off,
            1 => Power::Claimed,
            2 => Power::Pending,
            _ => Power::On,
        }
    }

    /// Turns an idle vCPU on; `Err` tells why not. The caller wakes it.
    ///
    /// # Errors
    /// The state that it was found in.
    pub fn turn_on(&self, start: Start) -> Result<(), Power> {
        let (off, claimed) = (Power::Off as u8, Power::Claimed as u8);
        if self.state.compare_exchange(off, claimed, Ordering::Acquire, Ordering::Acquire).is_err() {
            return Err(self.power());
        }
        self.entry.store(start.entry, Ordering::Relaxed);
        self.context.store(start.context, Ordering::Relaxed);
        // Release: the vCPU that sees the state sees where to start.
        self.state.store(Power::Pending as u8, Ordering::Release);
        Ok(())
    }

    /// Takes the start that waits, if one does. Called by the vCPU itself.
    pub fn take_start(&self) -> Option<Start> {
        if self.power() != Power::Pending {
            return None;
        }
        let start = Start { entry: self.entry.load(Ordering::Relaxed), context: self.context.load(Ordering::Relaxed) };
        self.state.store(Power::On as u8, Ordering::Release);
        Some(start)
    }

    /// Turns the vCPU off: by itself, or by a reset while nothing of its domain runs.
    pub fn turn_off(&self) {
        self.state.store(Power::Off as u8, Ordering::Release);
    }

    /// On without a start: the boot vCPU, whose entry state comes from the bundle.
    pub fn set_on(&self) {
        self.state.store(Power::On as u8, Ordering::Release);
    }
}

impl Default for PowerSwitch {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Start = Start { entry: 0x4020_0000, context: 7 };

    #[test]
    fn a_vcpu_is_started_once() {
        let switch = PowerSwitch::new();
        assert_eq!(switch.take_start(), None);
        assert_eq!(switch.turn_on(START), Ok(()));
        assert_eq!(switch.turn_on(START), Err(Power::Pending));
        assert_eq!(switch.take_start(), Some(START));
        assert_eq!(switch.take_start(), None);
        assert_eq!(switch.turn_on(START), Err(Power::On));
        switch.turn_off();
        assert_eq!(switch.turn_on(START), Ok(()));
    }

    #[test]
    fn the_boot_vcpu_is_on_without_a_start() {
        let switch = PowerSwitch::new();
        switch.set_on();
        assert_eq!((switch.power(), switch.take_start()), (Power::On, None));
    }
}
