//! One processor of this machine for all CPUs of an emulated PC.
//!
//! QEMU's threads lose each other's changes otherwise: docs/testing.md, "QEMU's PC on one processor". On one processor the change
//! in question is one instruction, which no other thread of that processor can interrupt. The threads still take turns anywhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::error::{Result, trouble};

/// The calling thread.
const THIS_THREAD: Pid = Pid::from_raw(0);

/// How many machines each processor has.
static USERS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

/// A machine's place on a processor. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Pin {
    processor: usize,
}

impl Pin {
    /// A place on the processor that has the fewest; none where the system does not tell which there are.
    pub(super) fn take() -> Option<Self> {
        let mut users = users();
        let mut processors = allowed();
        // Other commands of this kind count for themselves: each begins elsewhere.
        let first = std::process::id() as usize % processors.len().max(1);
        processors.rotate_left(first);
        let processor = processors.into_iter().min_by_key(|processor| users.get(processor).copied().unwrap_or(0))?;
        *users.entry(processor).or_default() += 1;
        Some(Self { processor })
    }

    /// Calls `start` so that a process which it starts runs on this processor, and only there.
    pub(super) fn hold<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        let processor = self.processor;
        let refused = |error: Errno| {
            let help = "see which processors there are: grep Cpus_allowed_list /proc/self/status";
            trouble(format!("cannot keep the emulator on processor {processor}: {error}"), help)
        };
        let before = sched_getaffinity(THIS_THREAD).map_err(refused)?;
        let mut only = CpuSet::new();
        only.set(processor).and_then(|()| sched_setaffinity(THIS_THREAD, &only)).map_err(refused)?;
        let started = start();
        sched_setaffinity(THIS_THREAD, &before).map_err(refused)?;
        started
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(count) = users().get_mut(&self.processor) {
            *count -= 1;
        }
    }
}

/// The processors that this process may run on.
pub(super) fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(THIS_THREAD).unwrap_or_default();
    (0..CpuSet::count()).filter(|processor| set.is_set(*processor).unwrap_or(false)).collect()
}

fn users() -> MutexGuard<'static, BTreeMap<usize, usize>> {
    USERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn processors_of_a_child() -> String {
        let output = Command::new("grep").args(["Cpus_allowed_list", "/proc/self/status"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split_whitespace().last().unwrap().to_owned()
    }

    #[test]
    fn a_child_stays_on_its_processor_and_we_do_not() {
        let (before, pin) = (allowed(), Pin::take().unwrap());
        assert_eq!(pin.hold(|| Ok(processors_of_a_child())).unwrap(), pin.processor.to_string());
        assert_eq!(allowed(), before);
    }

    #[test]
    fn machines_are_spread() {
        // The other test may hold one.
        let pins: Vec<Pin> = (0..2 * allowed().len()).map(|_| Pin::take().unwrap()).collect();
        let most = users().values().copied().max();
        assert!(most <= Some(3), "{pins:?}");
        drop(pins);
        assert!(users().values().sum::<usize>() <= 1);
    }
}
