//! Copying, filling and comparing memory: what compiled code calls for, in place of the portable versions that the
//! compiler brings along.
//!
//! | function | instructions for large sizes |
//! |---|---|
//! | `memcpy` | 18 for 128 bytes |
//! | `memset`, other values | 10 for 128 bytes |
//! | `memcpy`, `memset` to 0, with FEAT_MOPS | 3 for whatever the processor does at a time |
//! | `memset` to 0 | 2.5 for a block of DC ZVA (64 bytes, or more) |

core::arch::global_asm!(include_str!("memory.s"));
