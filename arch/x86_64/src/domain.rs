//! What the vCPUs of an x86 domain share: IO-APIC, inboxes, platform devices, the TSC's origin.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering};

use alloc::vec::Vec;
use phalanx_arch_api::{DomainEnv, Hpa, Ticks, VcpuIndex};
use spin::Mutex;

use crate::apic_window::ApicWindow;
use crate::devices::Platform;
use crate::vioapic::{Fired, IoApic};
use crate::vlapic::{ApicAddress, Arbiter, Delivery, Inbox, Message, resolve};
use crate::wall_clock::wall_seconds;

/// The shared part of a domain.
pub struct Domain {
    /// Number of the domain, for the crash card.
    pub number: u32,
    /// Interrupts on their way, a vCPU each.
    pub inboxes: &'static [Inbox],
    /// RTC, reset and power-management ports.
    pub platform: Mutex<Platform>,
    /// Root of the second-level tables.
    pub root: Hpa,
    /// How often the second-level tables took something away: what was cached before must not be used any more.
    translations: AtomicU64,
    arbiter: Arbiter,
    ioapic: Mutex<IoApic>,
    apic_window: Option<ApicWindow>,
    /// Host TSC at power-on: the guest's TSC starts at 0 there.
    power_on: AtomicU64,
}

impl Domain {
    /// A domain after power-on.
    #[must_use]
    pub fn new(number: u32, vcpus: usize, root: Hpa, apic_window: Option<ApicWindow>, now: Ticks) -> Self {
        Self {
            number,
            // Domains are created at boot and live as long as the machine.
            inboxes: (0..vcpus as u32).map(Inbox::new).collect::<Vec<_>>().leak(),
            platform: Mutex::new(Platform::new(wall_seconds(now))),
            root,
            translations: AtomicU64::new(0),
            arbiter: Arbiter::new(),
            ioapic: Mutex::new(IoApic::new()),
            apic_window,
            power_on: AtomicU64::new(now),
        }
    }

    /// Back to power-on. No vCPU runs.
    pub fn reset(&self, now: Ticks) {
        for inbox in self.inboxes {
            inbox.clear();
        }
        if let Some(window) = &self.apic_window {
            window.open();
        }
        *self.platform.lock() = Platform::new(wall_seconds(now));
        // The devices behind the lines are reset as well.
        *self.ioapic.lock() = IoApic::new();
        self.power_on.store(now, Ordering::Relaxed);
    }

    /// Makes every vCPU drop what its processor has cached of the second-level tables, before it is entered again.
    pub fn outdate_translations(&self) {
        self.translations.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes with each call of [`Self::outdate_translations`].
    #[inline(always)]
    pub fn translations(&self) -> u64 {
        self.translations.load(Ordering::Acquire)
    }

    /// Host TSC at power-on.
    pub fn power_on(&self) -> Ticks {
        self.power_on.load(Ordering::Relaxed)
    }

    /// A vCPU leaves xAPIC mode: the page of the local APIC is no longer there for anybody.
    pub fn close_apic_window(&self) {
        if let Some(window) = &self.apic_window {
            window.close();
        }
    }

    /// Ticks since power-on at host time `now`.
    #[inline(always)]
    pub fn age(&self, now: Ticks) -> Ticks {
        now.wrapping_sub(self.power_on())
    }

    /// Sends a message of a local APIC (`sender`) or of the IO-APIC. `false` where nobody accepted it.
    pub fn send<E: DomainEnv>(&self, env: &E, sender: Option<u8>, message: &Message) -> bool {
        let targets = resolve(message, sender.map(usize::from), self.inboxes, &self.arbiter);
        let mut accepted = false;
        for target in targets {
            let Some(inbox) = self.inboxes.get(target) else { continue };
            // A local APIC that is switched off takes no level: the IO-APIC must not wait for its end.
            if matches!(message.delivery, Delivery::Fixed { level: true, .. }) && !accepts(inbox) {
                continue;
            }
            accepted = true;
            // The sender drains its own inbox before it goes on.
            if inbox.deliver(message.delivery) && sender.map(usize::from) != Some(target) {
                env.wake(VcpuIndex(target as u8));
            }
        }
        accepted
    }

    /// Drives an input of the IO-APIC.
    pub fn set_line<E: DomainEnv>(&self, env: &E, line: u32, asserted: bool) {
        let Ok(pin) = u8::try_from(line) else { return };
        let mut ioapic = self.ioapic.lock();
        if let Some(message) = ioapic.set_line(pin, asserted) {
            self.deliver(env, &mut ioapic, pin, &message);
        }
    }

    /// A vCPU finished a level-triggered interrupt.
    pub fn end_of_interrupt<E: DomainEnv>(&self, env: &E, vector: u8) {
        let mut ioapic = self.ioapic.lock();
        let fired = ioapic.eoi(vector);
        self.deliver_all(env, &mut ioapic, fired);
    }

    /// Reads the IO-APIC's page.
    pub fn ioapic_read(&self, offset: u16) -> u32 {
        self.ioapic.lock().read(offset)
    }

    /// Writes the IO-APIC's page.
    pub fn ioapic_write<E: DomainEnv>(&self, env: &E, offset: u16, value: u32) {
        let mut ioapic = self.ioapic.lock();
        let fired = ioapic.write(offset, value);
        self.deliver_all(env, &mut ioapic, fired);
    }

    fn deliver_all<E: DomainEnv>(&self, env: &E, ioapic: &mut IoApic, fired: Fired) {
        for pin in fired {
            if let Some(message) = ioapic.message(pin) {
                self.deliver(env, ioapic, pin, &message);
            }
        }
    }

    fn deliver<E: DomainEnv>(&self, env: &E, ioapic: &mut IoApic, pin: u8, message: &Message) {
        if !self.send(env, None, message) {
            ioapic.not_accepted(pin);
        }
    }
}

/// Whether the owner's local APIC takes interrupts.
fn accepts(inbox: &Inbox) -> bool {
    AsRef::<ApicAddress>::as_ref(inbox).load().accepts_interrupts
}
