//! Tests side by side: as many as keep the processors busy, and no more, so that none waits long for a processor.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Calls `work` for each of `jobs`, on up to `processors` threads. `width` is how many processors a job keeps busy: the widths
/// of those that run at a time add up to no more than `processors`; a wider job runs alone.
///
/// They start in order, but a narrow job overtakes a wide one that has to wait for processors; so a wide one may come last.
pub(super) fn run<J: Sync>(
    jobs: &[J],
    processors: usize,
    width: impl Fn(&J) -> usize + Sync,
    work: impl Fn(&J) + Sync,
) {
    let processors = processors.max(1);
    let queue = Queue::new((0..jobs.len()).collect(), processors);
    let width_of = |job: &usize| width(&jobs[*job]).clamp(1, processors);
    thread::scope(|scope| {
        for _ in 0..processors.min(jobs.len()) {
            scope.spawn(|| {
                while let Some(taken) = queue.take(width_of) {
                    work(&jobs[taken.job]);
                }
            });
        }
    });
}

/// The jobs that wait, and the processors that nobody uses.
struct Queue {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    waiting: Vec<usize>,
    free: usize,
}

/// A job that has its processors. Dropping it gives them back.
struct Taken<'q> {
    job: usize,
    width: usize,
    queue: &'q Queue,
}

impl Queue {
    fn new(waiting: Vec<usize>, free: usize) -> Self {
        Self { state: Mutex::new(State { waiting, free }), freed: Condvar::new() }
    }

    /// The first job for which there are processors; waits while there are none for any. None when no job is left.
    fn take(&self, width_of: impl Fn(&usize) -> usize) -> Option<Taken<'_>> {
        let mut state = self.state();
        loop {
            if state.waiting.is_empty() {
                return None;
            }
            if let Some(place) = state.waiting.iter().position(|job| width_of(job) <= state.free) {
                let job = state.waiting.remove(place);
                let width = width_of(&job);
                state.free -= width;
                return Some(Taken { job, width, queue: self });
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing panics with the lock held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.queue.state().free += self.width;
        self.queue.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_runs_once_and_never_more_than_there_are_processors() {
        for processors in [0, 1, 2, 3, 8] {
            let jobs: Vec<(usize, usize)> = (0..40).map(|number| (number, number % 5)).collect();
            let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let done = Mutex::new(vec![0; jobs.len()]);
            let width_of = |width: &usize| (*width).clamp(1, processors.max(1));
            let work = |(number, width): &(usize, usize)| {
                most.fetch_max(busy.fetch_add(width_of(width), SeqCst) + width_of(width), SeqCst);
                thread::sleep(Duration::from_micros(200));
                busy.fetch_sub(width_of(width), SeqCst);
                done.lock().unwrap()[*number] += 1;
            };
            run(&jobs, processors, |(_, width)| *width, work);
            assert!(done.into_inner().unwrap().iter().all(|times| *times == 1));
            assert!(most.into_inner() <= processors.max(1), "with {processors}");
        }
    }

    #[test]
    fn a_narrow_job_overtakes_a_wide_one_that_has_to_wait() {
        let queue = Queue::new(vec![0, 1, 2, 3], 3);
        let width_of = |job: &usize| [2, 2, 1, 1][*job];
        let first = queue.take(width_of).unwrap();
        let narrow = queue.take(width_of).unwrap();
        assert_eq!((first.job, narrow.job), (0, 2));
        drop(first);
        assert_eq!(queue.take(width_of).map(|taken| taken.job), Some(1));
    }

    #[test]
    fn one_processor_takes_them_in_order() {
        let order = Mutex::new(Vec::new());
        run(&[3, 1, 2], 1, |width| *width, |job| order.lock().unwrap().push(*job));
        assert_eq!(*order.lock().unwrap(), [3, 1, 2]);
    }

    #[test]
    fn two_run_at_the_same_time() {
        let both = Barrier::new(2);
        let work = |(): &()| {
            both.wait();
        };
        run(&[(), ()], 2, |()| 1, work);
    }

    #[test]
    fn no_jobs_are_no_work() {
        run(&[], 4, |_: &()| 1, |()| panic!("there is none"));
    }
}
