//! The IO-APIC (Intel 82093AA data sheet).

/// Physical address of its registers.
pub const BASE: u64 = 0xfec0_0000;
/// Index of the identification register.
pub const ID: u32 = 0;
/// Index of the version register.
pub const VERSION: u32 = 1;
/// Index of the arbitration register.
pub const ARBITRATION: u32 = 2;
/// Redirection entry: masked.
pub const MASKED: u64 = 1 << 16;
/// Redirection entry: level-triggered.
pub const LEVEL: u64 = 1 << 15;

const SELECT: *mut u32 = BASE as *mut u32;
const WINDOW: *mut u32 = (BASE + 0x10) as *mut u32;

/// Reads the register with `index`.
pub fn read(index: u32) -> u32 {
    // SAFETY: device registers in the identity map.
    unsafe {
        SELECT.write_volatile(index);
        WINDOW.read_volatile()
    }
}

/// Writes the register with `index`.
pub fn write(index: u32, value: u32) {
    // SAFETY: device registers in the identity map; the IO-APIC reaches no memory.
    unsafe {
        SELECT.write_volatile(index);
        WINDOW.write_volatile(value);
    }
}

/// Reads redirection entry `pin`.
pub fn entry(pin: u32) -> u64 {
    u64::from(read(0x11 + pin * 2)) << 32 | u64::from(read(0x10 + pin * 2))
}

/// Writes redirection entry `pin`, masked while its halves differ.
pub fn set_entry(pin: u32, entry: u64) {
    write(0x10 + pin * 2, MASKED as u32);
    write(0x11 + pin * 2, (entry >> 32) as u32);
    write(0x10 + pin * 2, entry as u32);
}
