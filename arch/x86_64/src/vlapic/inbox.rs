//! Interrupts from other CPUs on their way to a local APIC.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::startup::StartupSlot;
use super::{ApicAddress, Delivery, LocalApic};

/// Words 0 to 3 hold the edge-triggered vectors, words 4 to 7 the level-triggered ones; summary bit n names word n.
const LEVEL_WORDS: u8 = 4;
const SUMMARY_WORDS: u32 = 0xff;
const SUMMARY_NMI: u32 = 1 << 8;
const SUMMARY_STARTUP: u32 = 1 << 9;

/// What others sent to one vCPU and its owner has not taken yet. Lock-free; any CPU may post.
///
/// A post writes the detail (a bit of a word, the start-up slot) and then its bit of `summary`; the owner swaps the
/// summary to zero and then takes the details that it named. So a summary bit may name a detail that is gone already
/// (harmless), but a detail never stays behind without a summary bit.
///
/// Orderings: a post is `Release` and a take `Acquire` on each detail by itself, as the owner may take one before its
/// summary bit arrives: what the sender wrote before the post is visible once the interrupt is. `summary` is `SeqCst`
/// throughout, so that a caller may pair it with a `SeqCst` "halted" flag: the owner stores the flag and then finds
/// [`is_empty`](Self::is_empty) false, or the sender that posted finds the flag set, or both; never neither. (On x86
/// all of these are the same instructions as the relaxed ones.)
#[derive(Debug)]
#[repr(align(64))]
pub struct Inbox {
    address: ApicAddress,
    summary: AtomicU32,
    startup: StartupSlot,
    words: [AtomicU64; 8],
}

/// What is not a fixed interrupt and came out of an [`Inbox`]: the backend acts on it. INIT comes before SIPI.
#[must_use]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// At least one NMI.
    pub nmi: bool,
    /// INIT: reset the vCPU and call [`LocalApic::init_reset`]; then it waits for a SIPI, unless it is the BSP.
    pub init: bool,
    /// A start-up IPI with this vector; ignored by a processor that does not wait for one.
    pub sipi: Option<u8>,
}

impl Signals {
    /// Nothing came.
    pub const NONE: Self = Self { nmi: false, init: false, sipi: None };
}

impl Inbox {
    /// An empty inbox for the APIC `id`.
    pub const fn new(id: u32) -> Self {
        Self {
            address: ApicAddress::new(id),
            summary: AtomicU32::new(0),
            startup: StartupSlot::new(),
            words: [const { AtomicU64::new(0) }; 8],
        }
    }

    /// Makes the addressing of `apic` visible to senders: after creation, reset and each
    /// [`Effect::Reconfigured`](super::Effect::Reconfigured).
    pub fn publish(&self, apic: &LocalApic) {
        self.address.store(apic.address_view());
    }

    /// Posts a fixed interrupt. True when the inbox was empty: the owner needs a kick.
    #[must_use = "the owner may need a kick"]
    #[inline]
    pub fn post(&self, vector: u8, level: bool) -> bool {
        let index = vector >> 6 | if level { LEVEL_WORDS } else { 0 };
        if let Some(word) = self.words.get(usize::from(index)) {
            word.fetch_or(1 << (vector & 63), Ordering::Release);
        }
        self.announce(1 << index)
    }

    /// Posts whatever `delivery` says. True when the owner needs a kick.
    ///
    /// SMI and ExtINT have no receiver in the virtual PC (no SMM, no 8259A) and are dropped.
    #[must_use = "the owner may need a kick"]
    #[inline]
    pub fn deliver(&self, delivery: Delivery) -> bool {
        match delivery {
            Delivery::Fixed { vector, level } | Delivery::LowestPriority { vector, level } => self.post(vector, level),
            Delivery::Nmi => self.announce(SUMMARY_NMI),
            Delivery::Init => {
                self.startup.post_init();
                self.announce(SUMMARY_STARTUP)
            }
            Delivery::Startup { vector } => {
                self.startup.post_sipi(vector);
                self.announce(SUMMARY_STARTUP)
            }
            Delivery::Smi | Delivery::ExtInt => false,
        }
    }

    #[inline]
    fn announce(&self, bit: u32) -> bool {
        self.summary.fetch_or(bit, Ordering::SeqCst) == 0
    }

    /// Whether nothing waits here.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.summary.load(Ordering::SeqCst) == 0
    }

    /// Moves everything into `apic`; one load when nothing came.
    ///
    /// The owner calls this before the first entry of a slice and after each kick, and where it may have sent something to
    /// itself: whoever else delivers has to kick it.
    #[inline]
    pub fn drain_into(&self, apic: &mut LocalApic) -> Signals {
        if self.is_empty() {
            return Signals::NONE;
        }
        self.take(|vector, level| apic.accept(vector, level))
    }

    #[inline]
    fn take(&self, mut accept: impl FnMut(u8, bool)) -> Signals {
        let summary = self.summary.swap(0, Ordering::SeqCst);
        let mut named = summary & SUMMARY_WORDS;
        while named != 0 {
            self.take_word((named.trailing_zeros() & 7) as u8, &mut accept);
            named &= named - 1;
        }
        let (init, sipi) = if summary & SUMMARY_STARTUP == 0 { (false, None) } else { self.startup.take() };
        Signals { nmi: summary & SUMMARY_NMI != 0, init, sipi }
    }

    #[inline]
    fn take_word(&self, index: u8, accept: &mut impl FnMut(u8, bool)) {
        let Some(word) = self.words.get(usize::from(index)) else {
            return;
        };
        let mut vectors = word.swap(0, Ordering::Acquire);
        while vectors != 0 {
            let vector = index << 6 | (vectors.trailing_zeros() & 63) as u8;
            accept(vector, index >= LEVEL_WORDS);
            vectors &= vectors - 1;
        }
    }

    /// Forgets everything that waits: for the reset of a domain whose vCPUs are all stopped.
    pub fn clear(&self) {
        let _ = self.take(|_, _| {});
    }
}

impl AsRef<ApicAddress> for Inbox {
    fn as_ref(&self) -> &ApicAddress {
        &self.address
    }
}
