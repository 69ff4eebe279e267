//! The interrupts that are for the host itself.
//!
//! A handler marks what happened in the CPU's [`PerCpu`], ends the interrupt at the local APIC and returns; whoever
//! opened the window looks at the flags. Interrupts are disabled everywhere else, so handlers never nest.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::apic::Mode;
use super::instr;
use super::percpu::PerCpu;

/// Vector of the local APIC's timer.
pub const TIMER: u8 = 0xf0;
/// Vector by which one CPU makes another look up.
pub const KICK: u8 = 0xf1;
/// Vector of the console's UART.
pub const CONSOLE: u8 = 0xf2;
/// Vector of the local APIC's spurious interrupts; the low four bits must be ones on old processors.
pub const SPURIOUS: u8 = 0xff;

/// Defines a handler for each mode of the local APIC: marks, ends the interrupt, returns. Only what is clobbered is
/// saved: 6 instructions (xAPIC) and 12 (x2APIC), and those of the marks.
macro_rules! handler {
    ($(#[$doc:meta])* $xapic:ident, $x2apic:ident, [$($mark:literal),+], $($name:ident = $field:ident),+) => {
        $(#[$doc])*
        #[unsafe(naked)]
        extern "C" fn $xapic() {
            naked_asm!(
                $($mark,)+
                "push rax",
                "mov rax, gs:[{eoi}]",
                "mov dword ptr [rax], 0",
                "pop rax",
                "iretq",
                eoi = const offset_of!(PerCpu, eoi_register),
                $($name = const offset_of!(PerCpu, $field)),+
            )
        }

        $(#[$doc])*
        #[unsafe(naked)]
        extern "C" fn $x2apic() {
            naked_asm!(
                $($mark,)+
                "push rax",
                "push rcx",
                "push rdx",
                "mov ecx, 0x80b",
                "xor eax, eax",
                "xor edx, edx",
                "wrmsr",
                "pop rdx",
                "pop rcx",
                "pop rax",
                "iretq",
                $($name = const offset_of!(PerCpu, $field)),+
            )
        }
    };
}

handler!(
    /// The timer fired, and is not armed any more.
    timer_xapic, timer_x2apic,
    ["mov byte ptr gs:[{flag}], 1", "mov qword ptr gs:[{armed}], -1"], flag = timer_fired, armed = armed
);
handler!(
    /// Another CPU sent a kick.
    /// The count tells others that no guest runs here: LOCK orders it before what this CPU reads next.
    kick_xapic, kick_x2apic,
    ["mov byte ptr gs:[{flag}], 1", "lock inc qword ptr gs:[{count}]"], flag = kicked, count = kicks
);
handler!(
    /// The console's UART wants attention.
    console_xapic, console_x2apic, ["mov byte ptr gs:[{flag}], 1"], flag = console
);
handler!(
    /// A vector that nobody uses.
    unexpected_xapic, unexpected_x2apic, ["inc qword ptr gs:[{count}]"], count = unexpected
);

/// A spurious interrupt of the local APIC: it is not in service, so it is not ended (Intel SDM vol. 3A, 12.9).
#[unsafe(naked)]
extern "C" fn spurious() {
    naked_asm!("inc qword ptr gs:[{count}]", "iretq", count = const offset_of!(PerCpu, spurious))
}

/// The address of the code for an interrupt's vector (32-255).
pub(super) fn handler(vector: u8, mode: Mode) -> u64 {
    let (xapic, x2apic): (extern "C" fn(), extern "C" fn()) = match vector {
        TIMER => (timer_xapic, timer_x2apic),
        KICK => (kick_xapic, kick_x2apic),
        CONSOLE => (console_xapic, console_x2apic),
        SPURIOUS => (spurious, spurious),
        _ => (unexpected_xapic, unexpected_x2apic),
    };
    let chosen = match mode {
        Mode::XApic => xapic,
        Mode::X2Apic => x2apic,
    };
    chosen as *const () as u64
}

/// Waits until an interrupt has set a flag of `cpu`, which must be the CPU that this runs on.
///
/// Interrupts are disabled before and after, and a flag that is set already ends the wait at once: an interrupt between
/// the caller's own check and the wait cannot be missed. Returns early at will.
#[inline]
pub fn idle(cpu: &PerCpu) {
    if !cpu.has_pending_flag() {
        instr::sti_hlt_cli();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vector_of_the_host_has_its_own_handler() {
        for mode in [Mode::XApic, Mode::X2Apic] {
            let addresses = [TIMER, KICK, CONSOLE, SPURIOUS, 0x20].map(|vector| handler(vector, mode));
            for (index, address) in addresses.iter().enumerate() {
                assert!(!addresses[..index].contains(address));
            }
            assert_eq!(handler(0x20, mode), handler(0xfe, mode));
        }
        assert_ne!(handler(TIMER, Mode::XApic), handler(TIMER, Mode::X2Apic));
        assert_eq!(SPURIOUS & 0xf, 0xf);
    }
}
