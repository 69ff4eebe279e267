//! Strands: functions that can be suspended anywhere below them and resumed later, all on one thread.

use core::cell::Cell;
use core::ptr::NonNull;

use corosensei::{Coroutine, CoroutineResult, Yielder};

thread_local! {
    /// The yielder of the strand that runs on this thread.
    static RUNNING: Cell<Option<NonNull<Yielder<(), ()>>>> = const { Cell::new(None) };
}

/// A function that runs in pieces.
pub(crate) struct Strand(Option<Coroutine<(), (), ()>>);

impl Strand {
    /// A strand that has not begun.
    pub(crate) fn new(body: impl FnOnce() + 'static) -> Self {
        Self(Some(Coroutine::new(move |yielder: &Yielder<(), ()>, ()| {
            RUNNING.set(Some(NonNull::from(yielder)));
            body();
        })))
    }

    /// Runs the strand until it suspends itself or ends. `false` where it has ended. A panic comes through.
    pub(crate) fn resume(&mut self) -> bool {
        let Some(coroutine) = &mut self.0 else { return false };
        let result = coroutine.resume(());
        RUNNING.set(None);
        match result {
            CoroutineResult::Yield(()) => true,
            CoroutineResult::Return(()) => {
                self.0 = None;
                false
            }
        }
    }
}

impl Drop for Strand {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Unwinding a suspended stack while this one unwinds would be one panic too many: the stack is lost.
            core::mem::forget(self.0.take());
        }
    }
}

/// Suspends the strand that runs until somebody resumes it.
///
/// # Panics
/// Outside of a strand.
pub(crate) fn suspend() {
    let running = RUNNING.get().expect("time passes on a CPU only");
    // SAFETY: the yielder lives as long as the strand's body, which set it and is below this function on the stack;
    // `resume` takes the pointer away before another strand, or nobody, runs on this thread.
    unsafe { running.as_ref() }.suspend(());
    RUNNING.set(Some(running));
}
