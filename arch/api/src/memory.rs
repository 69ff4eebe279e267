//! Access to a guest's RAM: untyped bytes that the guest may change at any moment.

use crate::Gpa;

/// The address, or a part of the range that starts there, is not RAM of this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbacked;

/// Reads and writes guest-physical memory by copying; a guest's byte is never borrowed.
///
/// Every method is bounds-checked and total. Accesses are volatile and, for the sized ones at natural alignment,
/// single-copy atomic on the host; a racing guest can change a value between two calls but cannot tear one.
pub trait GuestMemory {
    /// Reads `buffer.len()` bytes from `gpa`.
    ///
    /// # Errors
    /// [`Unbacked`] where any byte is not RAM; `buffer` is then unspecified.
    fn read(&self, gpa: Gpa, buffer: &mut [u8]) -> Result<(), Unbacked>;

    /// Writes `bytes` to `gpa`.
    ///
    /// # Errors
    /// [`Unbacked`] where any byte is not RAM; nothing is written then.
    fn write(&self, gpa: Gpa, bytes: &[u8]) -> Result<(), Unbacked>;

    /// Reads a little-endian `u64`; the fast path of page-table walks.
    ///
    /// # Errors
    /// [`Unbacked`] where any byte is not RAM.
    fn read_u64(&self, gpa: Gpa) -> Result<u64, Unbacked>;

    /// Reads a little-endian `u32`.
    ///
    /// # Errors
    /// [`Unbacked`] where any byte is not RAM.
    fn read_u32(&self, gpa: Gpa) -> Result<u32, Unbacked>;
}
