//! The virtual local APIC (Intel SDM vol. 3A, chapter "Advanced Programmable Interrupt Controller (APIC)").
//!
//! [`LocalApic`] belongs to one vCPU and is only touched by the CPU that runs it. Everybody else (other vCPUs that
//! send an IPI, the IO-APIC, device models) writes into the vCPU's [`Inbox`], which the owner drains after a kick,
//! before it enters the guest. Nothing here allocates, blocks or panics, whatever the guest writes.
//!
//! ```text
//! guest write ──▶ LocalApic ──▶ Effect::Ipi(Message) ──▶ resolve ──▶ Inbox::deliver ──▶ (kick) ──▶ drain_into
//!                                   IO-APIC ── Message ─────▲
//! ```
//!
//! The registers are one page of memory ([`ApicPage`]) in the layout of VT-x's virtual-APIC page, on every backend. Where
//! the processor virtualizes the APIC it works on that page itself; `hardware` has what is left to software then.
//!
//! What the model chooses where the manual leaves a choice: the APIC ID is fixed, the register page cannot be moved,
//! lowest-priority IPIs are supported, EOI-broadcast suppression is supported, there is no CMCI entry.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod access;
mod address;
mod base;
mod deadline;
mod delivery;
mod effect;
mod errors;
mod hardware;
mod inbox;
mod lvt;
mod message;
mod msr;
mod page;
mod priority;
mod registers;
mod route;
mod startup;
mod timer;
mod vectors;

#[cfg(test)]
mod tests;

pub use address::{AddressView, Addressing, ApicAddress};
pub use base::{DEFAULT_BASE, Mode};
pub use effect::{Effect, GeneralProtection};
pub use hardware::InterruptStatus;
pub use inbox::{Inbox, Signals};
pub use message::{Delivery, Destination, Message};
pub use msr::{MSR_APIC_BASE, MSR_TSC_DEADLINE, MSR_X2APIC_FIRST, MSR_X2APIC_LAST};
pub use page::ApicPage;
pub use route::{Arbiter, Targets, resolve};
pub use timer::TSC_TICKS_PER_BUS_CLOCK;

use alloc::boxed::Box;

use errors::ErrorStatus;
use timer::Timer;

/// Spurious-interrupt vector register: "APIC software enable".
const SVR_ENABLE: u32 = 1 << 8;
/// Spurious-interrupt vector register: "suppress EOI broadcasts".
const SVR_SUPPRESS_EOI_BROADCAST: u32 = 1 << 12;
/// "Spurious-Interrupt Vector Register": vector, enable, focus checking and EOI-broadcast suppression.
const SVR_WRITABLE: u32 = 0x13ff;

/// SVR after RESET: software-disabled, vector FFH.
const SVR_RESET: u32 = 0xff;

/// The local APIC of one vCPU.
///
/// Times are guest-visible TSC ticks: pass what the guest would read by RDTSC at that moment.
///
/// The registers are in the page. Beside it stands what no register shows, and the two vectors that VT-x's processor
/// keeps beside the page as well ("guest interrupt status").
#[derive(Debug)]
pub struct LocalApic {
    /// The highest vector in IRR, 0 for none (RVI). Where it equals `in_service`, IRR was not searched since that moved
    /// there, and this is a bound: it cannot be deliverable, so the search waits for the EOI.
    requested: u8,
    /// The highest vector in ISR, 0 for none (SVI).
    in_service: u8,
    mode: Mode,
    bootstrap: bool,
    /// What [`take_eoi_exits`](Self::take_eoi_exits) returned last is out of date.
    eoi_exits_changed: bool,
    /// The SVR: at hand for `accept`, and as it was before a write that the processor let into the page.
    svr: u32,
    page: Box<ApicPage>,
    timer: Timer,
    id: u32,
    errors: ErrorStatus,
    coalesced_periods: u64,
}

impl LocalApic {
    /// A local APIC after power-up: xAPIC mode, software-disabled. `bootstrap` is the BSP flag of IA32_APIC_BASE.
    ///
    /// `id` is the initial (x2)APIC ID; in xAPIC mode its low 8 bits are visible. Allocates the page, which stays where
    /// it is for the life of this value.
    pub fn new(id: u32, bootstrap: bool) -> Self {
        let apic = Self {
            requested: 0,
            in_service: 0,
            mode: Mode::XApic,
            bootstrap,
            eoi_exits_changed: true,
            svr: SVR_RESET,
            page: Box::new(ApicPage::new()),
            timer: Timer::new(),
            id,
            errors: ErrorStatus::new(),
            coalesced_periods: 0,
        };
        apic.reset_page();
        apic
    }

    /// Power-up or RESET ("Local APIC State After Power-Up or Reset"): also leaves x2APIC mode.
    pub fn reset(&mut self) {
        self.requested = 0;
        self.in_service = 0;
        self.mode = Mode::XApic;
        self.eoi_exits_changed = true;
        self.svr = SVR_RESET;
        self.timer = Timer::new();
        self.errors = ErrorStatus::new();
        self.coalesced_periods = 0;
        self.reset_page();
    }

    /// INIT ("Local APIC State After an INIT Reset"): as a reset, but IA32_APIC_BASE keeps its value.
    pub fn init_reset(&mut self) {
        let mode = self.mode;
        self.reset();
        self.set_mode(mode);
    }

    /// The (x2)APIC ID.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The BSP flag of IA32_APIC_BASE: after INIT this processor starts at the reset vector and waits for no SIPI.
    pub const fn is_bootstrap(&self) -> bool {
        self.bootstrap
    }

    /// The mode that IA32_APIC_BASE selects. CPUID.01H:EDX.APIC is clear while it is [`Mode::Disabled`].
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether software enabled the APIC in SVR. Never true in [`Mode::Disabled`].
    pub const fn is_software_enabled(&self) -> bool {
        self.svr & SVR_ENABLE != 0
    }

    /// How others address this APIC now; see [`Inbox::publish`].
    pub fn address_view(&self) -> AddressView {
        let addressing = match self.mode {
            Mode::Disabled => Addressing::Disabled,
            Mode::X2Apic => Addressing::X2Apic,
            Mode::XApic if self.page.get(registers::DFR) >> 28 == 0 => Addressing::Cluster,
            Mode::XApic => Addressing::Flat,
        };
        let ldr = self.page.get(registers::LDR);
        let logical_id = if self.mode == Mode::X2Apic { ldr } else { ldr >> 24 };
        AddressView { addressing, logical_id, accepts_interrupts: self.is_software_enabled() }
    }
}
