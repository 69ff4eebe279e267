//! Bochs: the second emulator for PCs, built from Debian's source package because Debian 12's own is too old.

mod build;

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::install;
use crate::error::Result;
use crate::places::Places;
use crate::{store, system};

/// The version that is built. Debian's package lists say whether the suite still has it.
pub(crate) const VERSION: &str = "3.0";

/// What to do about a build that failed.
const HELP: &str = "run the same command again; where it fails again, the lines above say why";

/// Bochs as the emulated machines need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bochs(PathBuf);

impl Bochs {
    /// The emulator.
    pub(crate) fn program(&self) -> PathBuf {
        self.0.join("bochs")
    }

    /// A firmware and the video ROM that fits it.
    pub(crate) fn roms(&self, firmware: Firmware) -> (PathBuf, PathBuf) {
        let (bios, video) = firmware.files();
        (self.0.join(bios), self.0.join(video))
    }

    #[cfg(test)]
    pub(crate) fn pretend() -> Self {
        Self("/bochs".into())
    }
}

/// What starts the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Firmware {
    /// Bochs' BIOS. On Intel models it switches VT-x on and locks IA32_FEATURE_CONTROL.
    #[default]
    Bochs,
    /// SeaBIOS. It leaves IA32_FEATURE_CONTROL as after reset: zero and not locked.
    SeaBios,
}

impl Firmware {
    const fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::Bochs => ("BIOS-bochs-latest", "vgabios.bin"),
            Self::SeaBios => ("seabios.bin", "seavgabios.bin"),
        }
    }
}

/// Why there is no Bochs.
#[derive(Debug)]
pub(crate) enum Missing {
    /// What it is made with or from could not be had: programs, or the network.
    Means(miette::Report),
    /// It could not be built.
    Build(miette::Report),
}

impl Missing {
    /// The report for a person.
    pub(crate) fn report(self) -> miette::Report {
        match self {
            Self::Means(report) | Self::Build(report) => report,
        }
    }

    /// The reason in one line.
    pub(crate) fn line(&self) -> String {
        let (Self::Means(report) | Self::Build(report)) = self;
        let text = system::one_clause(report);
        format!("no Bochs: {}", text.split('\n').map(str::trim).collect::<Vec<_>>().join(" "))
    }
}

/// Where it is, or will be. Another way of building it has another place.
pub(crate) fn folder(places: &Places) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (build::OPTIONS, build::PATCHES).hash(&mut hasher);
    places.cache.join(format!("bochs-{VERSION}-{:08x}", hasher.finish() as u32))
}

/// Returns Bochs; the first call downloads and builds it.
pub(crate) fn ensure(places: &Places) -> std::result::Result<Bochs, Missing> {
    let building = Cell::new(false);
    let made = store::once(&folder(places), |scratch| make(places, scratch, &building));
    made.map(Bochs).map_err(|report| if building.get() { Missing::Build(report) } else { Missing::Means(report) })
}

fn make(places: &Places, scratch: &Path, building: &Cell<bool>) -> Result<()> {
    install::ensure(places, super::tools::BUILD)?;
    store::aside(scratch, |aside| {
        let parts = build::fetch(places, aside)?;
        building.set(true);
        build::build(&parts, scratch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::trouble;

    #[test]
    fn the_place_depends_on_how_it_is_built() {
        let places = Places { root: "/r".into(), target: "/t".into(), cache: "/c".into() };
        let folder = folder(&places);
        assert!(folder.to_string_lossy().starts_with("/c/bochs-3.0-"), "{}", folder.display());
        assert_eq!(folder.file_name().unwrap().len(), "bochs-3.0-".len() + 8);
    }

    #[test]
    fn a_reason_is_one_line() {
        let missing = Missing::Means(trouble("some programs are missing:\n  g++ (not found)", "run:\n  apt-get"));
        assert_eq!(missing.line(), "no Bochs: some programs are missing: g++ (not found); run: apt-get");
    }
}
