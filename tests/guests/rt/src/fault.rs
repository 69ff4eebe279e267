//! Exceptions by vector and error code (Intel SDM vol. 3A, table 7-1).

use core::fmt;

/// An exception as a test compares it: vector and error code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fault(pub u8, pub u32);

/// #UD.
pub const UD: Fault = Fault(6, 0);
/// #NM.
pub const NM: Fault = Fault(7, 0);
/// #GP(0).
pub const GP: Fault = Fault(13, 0);
/// #PF of a read from a page that is not present, at ring 0.
pub const PF_READ: Fault = Fault(14, 0);

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "#DE",
            1 => "#DB",
            3 => "#BP",
            6 => "#UD",
            7 => "#NM",
            8 => "#DF",
            10 => "#TS",
            11 => "#NP",
            12 => "#SS",
            13 => "#GP",
            14 => "#PF",
            17 => "#AC",
            19 => "#XM",
            other => return write!(f, "vector{other}({:#x})", self.1),
        };
        write!(f, "{name}({:#x})", self.1)
    }
}
