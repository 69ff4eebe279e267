//! The way to registers in memory.

/// The way to one UART's 32-bit registers.
///
/// Reads need `&mut self`: several registers change by being read.
pub trait Registers {
    /// Reads the register `offset` bytes behind the first.
    fn read(&mut self, offset: u16) -> u32;

    /// Writes the register `offset` bytes behind the first.
    fn write(&mut self, offset: u16, value: u32);
}
