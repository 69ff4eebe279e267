//! Machine code, written byte by byte.

/// Most bytes of a piece.
pub(crate) const SIZE: usize = 96;

/// A short piece of machine code.
#[derive(Clone, Copy)]
pub(crate) struct Code {
    bytes: [u8; SIZE],
    length: usize,
}

impl Code {
    /// A piece that begins with these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { bytes: [0; SIZE], length: 0 }.then(bytes)
    }

    /// The same with more behind it.
    pub(crate) fn then(mut self, bytes: &[u8]) -> Self {
        let room = &mut self.bytes[self.length..];
        room[..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
        self
    }

    /// MOV of an immediate to a 32-bit register (0 to 7).
    pub(crate) fn load32(self, register: u8, value: u32) -> Self {
        self.then(&[0xb8 + register]).then(&value.to_le_bytes())
    }

    /// MOV of zero to EAX, EBX, ECX and EDX: flags stay.
    pub(crate) fn forget(self) -> Self {
        self.load32(0, 0).load32(1, 0).load32(2, 0).load32(3, 0)
    }

    /// MOV dword [address], value: 64-bit code, addresses below 2 GiB or in the upper 2 GiB of 4 by its own register R15.
    pub(crate) fn store32(self, address: u32, value: u32) -> Self {
        // mov r15d, address; mov dword [r15], value
        self.then(&[0x41, 0xbf]).then(&address.to_le_bytes()).then(&[0x41, 0xc7, 0x07]).then(&value.to_le_bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(crate) const fn len(&self) -> usize {
        self.length
    }
}
