//! FADT: where the fixed hardware is, and what of a PC is not there (ACPI 6.5, 5.2.9).

use acpi_tables::fadt::{FADT, FADTBuilder, Flags};
use acpi_tables::gas::{AccessSize, AddressSpace, GAS};

use super::{OEM, OEM_REVISION, OEM_TABLE};

/// PM1a event registers: status and enable, 4 bytes.
const PM1A_EVENT: u16 = 0x600;
/// PM1a control register, 2 bytes.
const PM1A_CONTROL: u16 = 0x604;
/// PM timer, 4 bytes.
const PM_TIMER: u16 = 0x608;
/// The system control interrupt, described as level-triggered in the MADT.
pub(super) const SCI: u8 = 9;
/// Reset control register of a PC, and the value that resets.
const RESET_PORT: u16 = 0xcf9;
const RESET_VALUE: u8 = 6;

/// IA-PC boot flag: do not look for a VGA display. That the flags for an 8042 and for legacy devices are clear says
/// that these are not there either (table 5.11).
const NO_VGA: u16 = 1 << 2;
/// Latencies above these limits say that there is no C2 and no C3 state.
const NO_C2: u16 = 101;
const NO_C3: u16 = 1001;

const FLAGS: [Flags; 7] = [
    Flags::Wbinvd,
    Flags::ProcC1,
    Flags::PwrButton,
    Flags::SlpButton,
    Flags::FixRtc,
    Flags::TmrValExt,
    Flags::ResetRegSup,
];

/// The table, with the addresses of those that it points to.
pub(super) fn table(facs: u32, dsdt: u32) -> FADT {
    let mut fadt = FADTBuilder::new(OEM, OEM_TABLE, OEM_REVISION).firmware_ctrl_32(facs).dsdt_32(dsdt);
    // Both forms of the address: systems check one against the other.
    fadt.x_dsdt = u64::from(dsdt).into();
    fadt.sci_int = u16::from(SCI).into();
    (fadt.pm1a_evt_blk, fadt.pm1_evt_len, fadt.x_pm1a_evt_blk) = block(PM1A_EVENT, 4, AccessSize::WordAccess);
    (fadt.pm1a_cnt_blk, fadt.pm1_cnt_len, fadt.x_pm1a_cnt_blk) = block(PM1A_CONTROL, 2, AccessSize::WordAccess);
    (fadt.pm_tmr_blk, fadt.pm_tmr_len, fadt.x_pm_tmr_blk) = block(PM_TIMER, 4, AccessSize::DwordAccess);
    fadt.p_lvl2_lat = NO_C2.into();
    fadt.p_lvl3_lat = NO_C3.into();
    fadt.iapc_boot_arch = NO_VGA.into();
    fadt.reset_reg = port(RESET_PORT, 1, AccessSize::ByteAccess);
    fadt.reset_value = RESET_VALUE;
    FLAGS.into_iter().fold(fadt, FADTBuilder::flag).finalize()
}

/// A register block in its three fields: address, length, generic address.
fn block<A: From<u32>>(address: u16, bytes: u8, access: AccessSize) -> (A, u8, GAS) {
    (u32::from(address).into(), bytes, port(address, bytes, access))
}

fn port(address: u16, bytes: u8, access: AccessSize) -> GAS {
    GAS::new(AddressSpace::SystemIo, bytes * 8, 0, access, address.into())
}
