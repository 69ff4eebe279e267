//! Programs for guests, put together operation by operation.

use phalanx_arch_api::AccessSize;

use crate::op::{LENGTH, Op};

/// Operations that lie one after another in a guest's RAM.
#[derive(Clone, Debug)]
pub struct Program {
    base: u64,
    ops: Vec<Op>,
}

impl Program {
    /// An empty program that begins at this guest-physical address.
    #[must_use]
    pub const fn at(base: u64) -> Self {
        Self { base, ops: Vec::new() }
    }

    /// Where the program begins.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Where the next operation will lie.
    #[must_use]
    pub const fn here(&self) -> u64 {
        self.base + LENGTH * self.ops.len() as u64
    }

    /// Where the operation will lie that comes `count` operations after the next.
    #[must_use]
    pub const fn ahead(&self, count: u64) -> u64 {
        self.here() + LENGTH * count
    }

    /// Appends operations.
    pub fn push(&mut self, ops: impl IntoIterator<Item = Op>) -> &mut Self {
        self.ops.extend(ops);
        self
    }

    /// Writes a text to a port, byte by byte.
    pub fn say(&mut self, port: u16, text: &str) -> &mut Self {
        self.push(text.bytes().map(|byte| Op::Out { port, size: AccessSize::B1, value: byte.into() }))
    }

    /// The program as RAM holds it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.ops.iter().flat_map(|op| op.encode()).flat_map(u64::to_le_bytes).collect()
    }
}
