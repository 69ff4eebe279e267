//! What may differ between machines, with the reason. Everything else is compared to the bit.

use super::effects::Record;

/// RFLAGS.RF.
const RF: u64 = 1 << 16;
/// Type of an event: bits 10:8 of its word. 3 is an exception.
const EVENT_TYPE: u64 = 7 << 8;
const EXCEPTION: u64 = 3 << 8;
/// The registers that CPUID writes, of which it clears the upper halves.
const OF_CPUID: [&str; 4] = ["rax", "rbx", "rcx", "rdx"];
/// CPUID leaves that are the hypervisor's own.
const OWN_LEAVES: std::ops::Range<u32> = 0x4000_0000..0x6000_0000;

/// The value of a register as machines can be compared by it.
pub(super) fn comparable(record: &Record, name: &str) -> u64 {
    let value = record.register(name);
    match name {
        // Interrupts and NMIs come into the guest in ways of the processor's own; what they do is seen in their handler.
        "event" if !is_exception(value) => 0,
        // While an instruction is in the middle (REP), some processors have RF set. It is seen when an exception pushes it.
        "rflags" if !is_exception(record.register("event")) => value & !RF,
        // The processors have different features; the leaves of the hypervisor are the same.
        _ if OF_CPUID.contains(&name) && has_features(&record.cause) => value >> 32,
        _ => value,
    }
}

const fn is_exception(event: u64) -> bool {
    event & EVENT_TYPE == EXCEPTION
}

/// Whether a step was CPUID with a leaf of the processor's.
fn has_features(cause: &str) -> bool {
    let leaf = cause.strip_prefix("cpuid:").and_then(|leaf| u32::from_str_radix(leaf.split('.').next()?, 16).ok());
    leaf.is_some_and(|leaf| !OWN_LEAVES.contains(&leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cause: &str, registers: &[(&str, u64)]) -> Record {
        let registers = registers.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Record { cause: cause.to_owned(), registers, ..Record::default() }
    }

    #[test]
    fn features_are_not_compared_but_upper_halves_are() {
        let of = |cause| comparable(&record(cause, &[("rbx", 0x1_756e_6547)]), "rbx");
        assert_eq!(of("cpuid:0.0"), 1);
        assert_eq!(of("cpuid:80000001.0"), 1);
        assert_eq!(of("cpuid:40000000.0"), 0x1_756e_6547);
        assert_eq!(of("rdmsr:1b"), 0x1_756e_6547);
        assert_eq!(comparable(&record("cpuid:0.0", &[("rsi", 5)]), "rsi"), 5);
    }

    #[test]
    fn only_exceptions_count_as_events_and_show_the_resume_flag() {
        let with = |event, name| comparable(&record("hlt", &[("event", event), ("rflags", RF | 2)]), name);
        assert_eq!((with(0x8000_0031, "event"), with(0x8000_0202, "event")), (0, 0));
        assert_eq!(with(0x8000_0b0d, "event"), 0x8000_0b0d);
        assert_eq!((with(0x8000_0031, "rflags"), with(0x8000_0b0d, "rflags")), (2, RF | 2));
    }
}
