//! The recorder: what each exit of one domain did to its guest, as lines on the console (`docs/debugging.md` has the format).

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use arrayvec::ArrayVec;
use phalanx_abi::bundle::Region;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Effect, EffectKind, EffectMark, Gpa};
use spin::Mutex;

use crate::console::Console;
use crate::mem::GuestRam;

/// Most registers of one record.
const REGISTERS: usize = 48;
/// Most changes on one line: a line of the console is cut at 512 bytes.
const CHANGES: usize = 14;

/// What is recorded of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The answer to this step is spoilt.
    pub plant: Option<u32>,
}

/// The recorder of one domain.
#[derive(Debug)]
pub(crate) struct Recorder {
    recording: Recording,
    over: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Steps so far.
    steps: u32,
    /// The registers of the last record; all are 0 before the first.
    last: ArrayVec<u64, REGISTERS>,
}

impl Recorder {
    pub(crate) fn new(recording: Recording) -> Self {
        Self { recording, over: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Whether the guest has not ended it.
    pub(crate) fn is_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Whether the next step is the one to be spoilt.
    pub(crate) fn spoils(&self) -> bool {
        self.is_on() && self.recording.plant == Some(self.state.lock().steps + 1)
    }

    /// Writes one record.
    pub(crate) fn record(
        &self,
        console: &Console,
        ram: &GuestRam,
        regions: impl Iterator<Item = Region>,
        effect: &Effect<'_>,
    ) {
        if !self.is_on() {
            return;
        }
        let state = &mut *self.state.lock();
        let mut changes = state.changes(effect.registers);
        if let Some(mark) = effect.mark {
            self.over.store(mark.last, Ordering::Relaxed);
            // The list is never full: it has room for more than all registers.
            let _ = changes.try_push(("memory", hash(ram, regions, mark)));
        }
        write(console, &state.head(effect), &changes);
    }
}

impl State {
    /// The registers that are not what they were, which are remembered.
    fn changes<'e>(&mut self, registers: &'e [(&'e str, u64)]) -> ArrayVec<(&'e str, u64), { REGISTERS + 1 }> {
        let was = |index| self.last.get(index).copied().unwrap_or(0);
        let changed = registers.iter().take(REGISTERS).enumerate().filter(|(index, (_, value))| was(*index) != *value);
        let changes = changed.map(|(_, register)| *register).collect();
        self.last = registers.iter().take(REGISTERS).map(|(_, value)| *value).collect();
        changes
    }

    /// How the record's line begins; counts a step.
    fn head<'e>(&mut self, effect: &'e Effect<'_>) -> Head<'e> {
        let number = match effect.kind {
            EffectKind::Step => {
                self.steps += 1;
                Some(self.steps)
            }
            EffectKind::Aside => None,
        };
        Head { number, cause: effect.cause }
    }
}

/// The number of a step or `-`, and the cause.
struct Head<'e> {
    number: Option<u32>,
    cause: &'e dyn fmt::Display,
}

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{number} {}", self.cause),
            None => write!(f, "- {}", self.cause),
        }
    }
}

/// One line, and more that begin with `+` where there are many changes.
fn write(console: &Console, head: &Head<'_>, changes: &[(&str, u64)]) {
    let (first, rest) = changes.split_at(changes.len().min(CHANGES));
    console.note(format_args!("effect {head}{}\n", Changes(first)));
    for more in rest.chunks(CHANGES) {
        console.note(format_args!("effect +{}\n", Changes(more)));
    }
}

struct Changes<'c>(&'c [(&'c str, u64)]);

impl fmt::Display for Changes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| write!(f, " {name}={value:x}"))
    }
}

/// A hash of all RAM but the page that the guest excepts. The regions are the bundle's: where the machine has its memory
/// does not matter.
fn hash(ram: &GuestRam, regions: impl Iterator<Item = Region>, mark: EffectMark) -> u64 {
    let page = mark.without.as_u64() & !(FRAME_SIZE - 1);
    regions.fold(0, |hash, region| {
        let end = region.gpa.saturating_add(region.size);
        let before = part(ram, region.gpa, page.clamp(region.gpa, end));
        let behind = part(ram, page.saturating_add(FRAME_SIZE).clamp(region.gpa, end), end);
        (hash.rotate_left(1) ^ before).rotate_left(1) ^ behind
    })
}

fn part(ram: &GuestRam, start: u64, end: u64) -> u64 {
    // The bundle's regions are RAM.
    ram.hash(Gpa::new(start), end.saturating_sub(start)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
