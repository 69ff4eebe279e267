//! What a guest tells the recorder of effects (`docs/debugging.md`), by the arguments of the null hypercall.
//!
//! Without a recorder these arguments mean nothing, as all arguments of that hypercall.

/// First argument: the record of this hypercall gets a hash of the domain's RAM. The second argument is the guest-physical
/// address of a page that is left out.
pub const CHECKPOINT: u64 = 0x6368_6563_6b70;
/// First argument: the same, and nothing is recorded any more.
pub const LAST: u64 = 0x006c_6173_7400;
