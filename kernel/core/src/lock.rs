//! The locks of a machine: a CPU waits for one as its architecture says.

use core::marker::PhantomData;

use phalanx_arch_api::Arch;
use spin::RelaxStrategy;

/// A lock that only CPUs of architecture `A` take.
pub(crate) type Lock<T, A> = spin::mutex::Mutex<T, Waiting<A>>;

/// How a CPU waits.
pub(crate) struct Waiting<A>(PhantomData<A>);

impl<A: Arch> RelaxStrategy for Waiting<A> {
    #[inline(always)]
    fn relax() {
        A::relax();
    }
}
