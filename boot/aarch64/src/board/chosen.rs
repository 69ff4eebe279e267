//! `/chosen`: what the loader adds to the board's tree.

use phalanx_arch_api::Hpa;
use phalanx_handoff::{CommandLine, PhysRange};

use super::survey::Survey;
use crate::error::{BootError, Part};
use crate::fdt::number;

impl Survey<'_> {
    /// The command line.
    #[must_use]
    pub fn command_line(&self) -> CommandLine {
        let mut line = CommandLine::new();
        if let Some(text) = self.chosen.and_then(|chosen| chosen.property(b"bootargs")) {
            // The property's value is the whole text.
            let _ = line.extend_from_c_bytes(text);
        }
        line
    }

    /// The bundle: what the loader calls the initial RAM disk.
    pub(super) fn bundle(&self) -> Result<Option<PhysRange>, BootError> {
        let end_of = |name| self.chosen.and_then(|chosen| chosen.property(name));
        let (Some(start), Some(end)) = (end_of(b"linux,initrd-start"), end_of(b"linux,initrd-end")) else {
            return Ok(None);
        };
        let range =
            number(start).zip(number(end)).and_then(|(start, end)| PhysRange::between(Hpa::new(start), Hpa::new(end)));
        range.map(|range| Some(range).filter(|range| !range.is_empty())).ok_or(BootError::Garbled(Part::Bundle))
    }
}
