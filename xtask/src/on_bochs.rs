//! From a system to a machine on Bochs: the emulator prepared, the ISO made, the configuration's place chosen.

use crate::emulator::machine::bochs::{OnBochs, SPEED};
use crate::emulator::machine::{Board, Boot, Machine};
use crate::error::Result;
use crate::image::{self, For, RegisterWrites};
use crate::places::Places;
use crate::prepare::bochs::{self, Bochs, Firmware, Missing};
use crate::prepare::{install, tools};
use crate::system::System;

/// Bochs and what its ISOs are made with.
#[derive(Clone, Debug)]
pub(crate) struct Prepared(Bochs);

/// What happens between power-on and the hypervisor.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Start {
    /// What starts the machine.
    pub(crate) bios: Firmware,
    /// Registers that are written on the first processor before the hypervisor starts.
    pub(crate) wrmsr: RegisterWrites,
    /// More words of the hypervisor's command line.
    pub(crate) words: String,
}

impl Prepared {
    /// Makes sure that all of it is here.
    pub(crate) fn ensure(places: &Places) -> std::result::Result<Self, Missing> {
        install::ensure(places, tools::IMAGE_BIOS).map_err(Missing::Means)?;
        bochs::ensure(places).map(Self)
    }

    /// A PC that boots `system`. What is written for it is called `name`.
    pub(crate) fn boot(&self, places: &Places, name: &str, system: &System, start: &Start) -> Result<Machine> {
        let file = places.target.join("bochs").join(name).with_extension("bochsrc");
        let iso = file.with_extension("iso");
        image::write_iso(system, &For::Bochs { writes: start.wrmsr.clone(), words: start.words.clone() }, &iso)?;
        let on_bochs = OnBochs { bochs: self.0.clone(), firmware: start.bios, speed: SPEED, file };
        Ok(Machine { on_bochs: Some(on_bochs), ..Machine::new(Board::Pc, Boot::IsoBios { iso }) })
    }
}
