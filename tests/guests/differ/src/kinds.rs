//! All kinds of pieces.

use crate::random::Random;
use crate::state::Piece;
use crate::{events, memory, system};

/// Makes a piece of one kind.
pub(crate) type Kind = fn(&mut Random) -> Piece;

/// While the local APIC is reached through memory.
pub(crate) const IN_XAPIC_MODE: &[Kind] = &[
    system::cpuid,
    system::quiet_cpuid,
    system::msr_read,
    system::msr_write,
    system::port,
    system::port_string,
    system::own_port,
    memory::unowned,
    memory::unowned,
    memory::string,
    memory::across,
    memory::io_apic,
    memory::local_apic,
    memory::table_miss,
    memory::fetch,
    system::control_register,
    system::machine_status,
    system::extended_control,
    system::cache,
    system::foreign,
    system::foreign_svm,
    system::faults,
    system::hypercall,
    system::prefixed,
    system::from_user,
    system::compatible,
    system::breakpoint,
    events::halt,
    events::own_interrupts,
    events::own_nmi,
    events::software_interrupt,
];

/// While it is reached through MSRs.
pub(crate) const IN_X2APIC_MODE: &[Kind] = &[
    system::quiet_cpuid,
    system::msr_read,
    system::msr_write,
    events::x2apic_read,
    events::x2apic_write,
    events::x2apic_interrupts,
    memory::unowned,
    memory::local_apic,
    system::port,
    system::hypercall,
    events::x2apic_halt,
];
