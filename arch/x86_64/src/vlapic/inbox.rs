//! Interrupts from other CPUs on their way to a local APIC.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{ApicAddress, Delivery, LocalApic};

/// Summary bits 0 to 3: the words of edge-triggered vectors. Bits 4 to 7: those of level-triggered ones.
const LEVEL_WORDS_SHIFT: u32 = 4;
const SUMMARY_NMI: u32 = 1 << 8;
const SUMMARY_STARTUP: u32 = 1 << 9;

/// Start-up slot: bits 7:0 hold the vector of a start-up IPI.
const STARTUP_SIPI: u32 = 1 << 8;
const STARTUP_INIT: u32 = 1 << 9;

/// What others sent to one vCPU and its owner has not taken yet. Lock-free; any CPU may post.
///
/// A post writes the detail (a bit of a word, the start-up slot) and then its bit of `summary`; the owner swaps the
/// summary to zero and then takes the details that it named. So a summary bit may name a detail that is gone already
/// (harmless), but a detail never stays behind without a summary bit.
///
/// Orderings: details are `Relaxed`; they are carried by the `Release` half of the post's read-modify-write on
/// `summary` and the `Acquire` half of the owner's swap. Both are `SeqCst` (the same instruction on x86), so that a
/// caller may pair them with a `SeqCst` "halted" flag: the owner stores the flag and then finds
/// [`is_empty`](Self::is_empty), or the sender that posted finds the flag, or both; never neither.
#[derive(Debug)]
#[repr(align(64))]
pub struct Inbox {
    address: ApicAddress,
    summary: AtomicU32,
    startup: AtomicU32,
    edge: [AtomicU64; 4],
    level: [AtomicU64; 4],
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
            startup: AtomicU32::new(0),
            edge: [const { AtomicU64::new(0) }; 4],
            level: [const { AtomicU64::new(0) }; 4],
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
        let (words, shift) = if level { (&self.level, LEVEL_WORDS_SHIFT) } else { (&self.edge, 0) };
        if let Some(word) = words.get(usize::from(vector >> 6)) {
            word.fetch_or(1 << (vector & 63), Ordering::Relaxed);
        }
        self.announce(1 << (shift + u32::from(vector >> 6)))
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
            Delivery::Init => self.post_init(),
            Delivery::Startup { vector } => self.post_sipi(vector),
            Delivery::Smi | Delivery::ExtInt => false,
        }
    }

    /// INIT overtakes: a start-up IPI that waits here was sent before it and is void.
    fn post_init(&self) -> bool {
        self.startup.store(STARTUP_INIT, Ordering::Relaxed);
        self.announce(SUMMARY_STARTUP)
    }

    /// Of several start-up IPIs the first counts, as the processor leaves its wait state with it.
    fn post_sipi(&self, vector: u8) -> bool {
        let add = |slot: u32| (slot & STARTUP_SIPI == 0).then_some(slot | STARTUP_SIPI | u32::from(vector));
        // An error says that one waits already, and its sender announces it: announcing it again does no harm.
        let _ = self.startup.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.announce(SUMMARY_STARTUP)
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

    /// Moves everything into `apic`. The owner calls this before each entry; one load when nothing came.
    #[inline]
    pub fn drain_into(&self, apic: &mut LocalApic) -> Signals {
        if self.is_empty() {
            return Signals::NONE;
        }
        self.take(apic)
    }

    #[cold]
    fn take(&self, apic: &mut LocalApic) -> Signals {
        let summary = self.summary.swap(0, Ordering::SeqCst);
        accept_all(&self.edge, summary, false, apic);
        accept_all(&self.level, summary >> LEVEL_WORDS_SHIFT, true, apic);
        let startup = if summary & SUMMARY_STARTUP == 0 { 0 } else { self.startup.swap(0, Ordering::Relaxed) };
        Signals {
            nmi: summary & SUMMARY_NMI != 0,
            init: startup & STARTUP_INIT != 0,
            sipi: (startup & STARTUP_SIPI != 0).then_some((startup & 0xff) as u8),
        }
    }

    /// Forgets everything that waits: for the reset of a domain whose vCPUs are all stopped.
    pub fn clear(&self) {
        let mut nobody = LocalApic::new(self.address.id(), false);
        let _ = self.take(&mut nobody);
    }
}

impl AsRef<ApicAddress> for Inbox {
    fn as_ref(&self) -> &ApicAddress {
        &self.address
    }
}

/// Takes the words that the low four bits of `summary` name.
fn accept_all(words: &[AtomicU64; 4], summary: u32, level: bool, apic: &mut LocalApic) {
    for (word, base) in words.iter().zip([0, 64, 128, 192]) {
        if summary >> (base >> 6) & 1 == 0 {
            continue;
        }
        let mut vectors = word.swap(0, Ordering::Relaxed);
        while vectors != 0 {
            apic.accept(base | (vectors.trailing_zeros() & 63) as u8, level);
            vectors &= vectors - 1;
        }
    }
}
