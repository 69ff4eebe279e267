//! One processor of this machine for all CPUs of an emulated PC.
//!
//! QEMU (seen up to 10.0.2) has a thread for each CPU, and when one of them loads floating-point state (FLDENV, FXRSTOR, XRSTOR)
//! it clears a flag of the *first* CPU with a plain read-modify-write (`cpu_clear_ignne`, `target/i386/tcg/system/fpu_helper.c`).
//! In the same word are GIF and the flag for nested paging, which the first CPU's own thread changes at each VMRUN, #VMEXIT,
//! STGI and CLGI. Its change may get lost: then an interrupt arrives in the middle of the world switch, or the hypervisor's
//! addresses are taken for a guest's, and the machine resets. On one processor the read-modify-write, which is one instruction,
//! comes before or after a change, never during one. The threads still take turns anywhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

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
        let processor = allowed().into_iter().min_by_key(|processor| users.get(processor).copied().unwrap_or(0))?;
        *users.entry(processor).or_default() += 1;
        Some(Self { processor })
    }

    /// Calls `start` so that a process which it starts runs on this processor, and only there.
    pub(super) fn hold<T>(&self, start: impl FnOnce() -> T) -> T {
        let before = sched_getaffinity(THIS_THREAD);
        let mut only = CpuSet::new();
        // A processor that is gone since leaves the process where it is: slower or faster, and perhaps reset.
        let _ = only.set(self.processor).and_then(|()| sched_setaffinity(THIS_THREAD, &only));
        let started = start();
        if let Ok(before) = before {
            let _ = sched_setaffinity(THIS_THREAD, &before);
        }
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
        assert_eq!(pin.hold(processors_of_a_child), pin.processor.to_string());
        assert_eq!(allowed(), before);
    }

    #[test]
    fn machines_are_spread() {
        let pins: Vec<Pin> = allowed().iter().map(|_| Pin::take().unwrap()).collect();
        let most = users().values().copied().max();
        assert!(most <= Some(2), "others may be at the same test: {pins:?}");
        drop(pins);
    }
}
