//! Which vCPUs a message reaches ("Determining IPI Destination", "Lowest Priority Delivery Mode").

use core::sync::atomic::{AtomicU32, Ordering};

use super::{ApicAddress, Delivery, Destination, Message};

/// A set of vCPU indices below 64; iterates in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Targets(u64);

impl Targets {
    fn one(index: usize) -> Self {
        Self(1_u64.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0))
    }

    /// Whether the message reaches nobody.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as a bit mask: bit n is vCPU n.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl Iterator for Targets {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lowest = self.0.trailing_zeros();
        self.0 &= self.0.checked_sub(1)?;
        Some(lowest as usize)
    }
}

/// Whose turn it is in lowest-priority arbitration: one for each domain, shared by all senders.
///
/// The winner is the next addressee in round-robin order after the last one. Processor priorities do not enter: they
/// change while the message travels, and software cannot tell.
#[derive(Debug, Default)]
pub struct Arbiter {
    next: AtomicU32,
}

impl Arbiter {
    /// Begins with vCPU 0.
    pub const fn new() -> Self {
        Self { next: AtomicU32::new(0) }
    }

    fn pick(&self, candidates: Targets) -> Targets {
        // Relaxed: a fair spread needs no order, and a lost update only repeats a turn.
        let next = self.next.load(Ordering::Relaxed) & 63;
        let from_next = Targets(candidates.0 >> next << next);
        let Some(winner) = from_next.into_iter().next().or_else(|| candidates.into_iter().next()) else {
            return Targets(0);
        };
        self.next.store(u32::try_from(winner + 1).unwrap_or(0), Ordering::Relaxed);
        Targets::one(winner)
    }
}

/// The vCPUs that `message` reaches, out of `peers` (vCPU n at index n, 64 at most).
///
/// `sender` is the index of the sending vCPU, `None` for an IO-APIC. An empty result means that nobody accepted it.
pub fn resolve(
    message: &Message,
    sender: Option<usize>,
    peers: &[impl AsRef<ApicAddress>],
    arbiter: &Arbiter,
) -> Targets {
    let own = sender.map_or(Targets(0), Targets::one);
    let addressed = match message.destination {
        Destination::Physical(id) => physical(id, peers),
        Destination::Sender => own,
        Destination::AllButSender => Targets(matching(message.destination, peers).0 & !own.0),
        Destination::Logical(_) | Destination::Broadcast => matching(message.destination, peers),
    };
    match message.delivery {
        Delivery::LowestPriority { .. } => arbiter.pick(software_enabled(addressed, peers)),
        _ => addressed,
    }
}

/// APIC IDs are vCPU indices as a rule: look there first.
fn physical(id: u32, peers: &[impl AsRef<ApicAddress>]) -> Targets {
    let destination = Destination::Physical(id);
    let guess = id as usize;
    match peers.get(guess) {
        Some(peer) if destination.matches(peer.as_ref()) => Targets::one(guess),
        _ => matching(destination, peers),
    }
}

fn matching(destination: Destination, peers: &[impl AsRef<ApicAddress>]) -> Targets {
    select(peers, |address| destination.matches(address))
}

fn software_enabled(among: Targets, peers: &[impl AsRef<ApicAddress>]) -> Targets {
    Targets(among.0 & select(peers, |address| address.load().accepts_interrupts).0)
}

fn select(peers: &[impl AsRef<ApicAddress>], chosen: impl Fn(&ApicAddress) -> bool) -> Targets {
    let bit = |(index, peer): (u32, &_)| u64::from(chosen(AsRef::as_ref(peer))) << index;
    Targets((0..64).zip(peers).map(bit).fold(0, |all, one| all | one))
}
