//! One scenario file, several lanes: what is different in a lane, and the machines that a lane plays on.

use toml::{Table, Value};

use super::name::LANES;
use crate::arch::Arch;
use crate::emulator::machine::bochs::{RYZEN, SKYLAKE};
use crate::emulator::machine::{Board, Gic};

/// The machines of lane `el2`: a processor without VHE on GICv2, one with VHE on GICv3, everything that the emulator has, one
/// whose physical addresses are so short that stage 2 has a level less, and two boards.
const ARM_MACHINES: [(&str, Board, Option<&str>); 6] = [
    ("a72", Board::Virt { gic: Gic::V2, el2: true }, Some("cortex-a72")),
    ("n1", Board::Virt { gic: Gic::V3, el2: true }, Some("neoverse-n1")),
    ("max", Board::Virt { gic: Gic::V3, el2: true }, Some("max")),
    ("a53", Board::Virt { gic: Gic::V2, el2: true }, Some("cortex-a53")),
    ("zcu102", Board::Zcu102, None),
    ("raspi4b", Board::Raspi4b, None),
];

/// Where lane `el2` plays a scenario that does not say.
const USUAL_ARM_MACHINE: &str = "n1";

/// The machines of the lanes on Bochs, as its CPU models; the first of a lane is the usual one. `lynnfield` has EPT and no
/// unrestricted guest, `penryn` has no EPT.
const BOCHS_MACHINES: [(&str, &str, &str); 4] = [
    ("svm-bochs", "ryzen", RYZEN),
    ("vtx", "skylake", SKYLAKE),
    ("vtx", "lynnfield", "corei5_lynnfield_750"),
    ("vtx", "penryn", "core2_penryn_t9600"),
];

/// The board and processor of the machine called `name` in lane `el2`.
pub(super) fn machine(name: &str) -> Option<(Board, Option<&'static str>)> {
    ARM_MACHINES.iter().find(|(known, ..)| *known == name).map(|(_, board, cpu)| (*board, *cpu))
}

/// The CPU model of `lane`, where Bochs plays it: of the machine called `name`, or of the usual one.
pub(crate) fn bochs_cpu(lane: &str, name: Option<&str>) -> Option<&'static str> {
    let mut machines = BOCHS_MACHINES.iter().filter(|(of, ..)| *of == lane);
    machines.find(|(_, known, _)| name.is_none_or(|name| name == *known)).map(|(.., cpu)| *cpu)
}

/// Whether Bochs plays `lane`.
pub(crate) fn on_bochs(lane: &str) -> bool {
    bochs_cpu(lane, None).is_some()
}

/// Whether `lane` has a machine called `name`.
pub(super) fn has(lane: &str, name: &str) -> bool {
    if on_bochs(lane) { bochs_cpu(lane, Some(name)).is_some() } else { machine(name).is_some() }
}

/// The names of the machines of `lane`.
pub(super) fn machines(lane: &str) -> String {
    if on_bochs(lane) {
        let names: Vec<&str> = BOCHS_MACHINES.iter().filter(|(of, ..)| *of == lane).map(|(_, name, _)| *name).collect();
        return names.join(", ");
    }
    ARM_MACHINES.map(|(name, ..)| name).join(", ")
}

/// One table for each lane and machine of the scenario `table`, with the keys `lane` and, where the lane has a choice,
/// `host`. What stands under the lane's own name replaces what stands outside.
pub(super) fn split(table: &Table) -> Result<Vec<Table>, String> {
    let lanes = match table.get("lanes") {
        None => vec![Arch::X86.lane().to_owned()],
        Some(lanes) => lanes.clone().try_into().map_err(|error| format!("lanes: {error}"))?,
    };
    if let Some(lane) = lanes.iter().find(|lane| !LANES.contains(&lane.as_str())) {
        return Err(format!("there is no lane {lane}; lanes are {}", LANES.join(", ")));
    }
    let mut tables = Vec::new();
    for own in lanes.iter().flat_map(|lane| for_lane(table, lane)) {
        tables.extend(on_machines(own)?);
    }
    Ok(tables)
}

/// The tables of `lane`: its own keys win, tables are merged. Where the lane's keys are written several times, each counts.
fn for_lane(table: &Table, lane: &str) -> Vec<Table> {
    let shared = table.iter().filter(|(key, _)| *key != "lanes" && !LANES.contains(&key.as_str()));
    let mut shared: Table = shared.map(|(key, value)| (key.clone(), value.clone())).collect();
    shared.insert("lane".into(), Value::String(lane.to_owned()));
    match table.get(lane) {
        Some(Value::Table(own)) => vec![merged(&shared, own)],
        Some(Value::Array(several)) => {
            several.iter().filter_map(Value::as_table).map(|own| merged(&shared, own)).collect()
        }
        _ => vec![shared],
    }
}

fn merged(shared: &Table, own: &Table) -> Table {
    let mut table = shared.clone();
    for (key, value) in own {
        match (table.get_mut(key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => into.extend(from.clone()),
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
    table
}

/// One table for each of its `machines`.
fn on_machines(mut table: Table) -> Result<Vec<Table>, String> {
    let lane = table.get("lane").and_then(Value::as_str).unwrap_or_default();
    let usual = (Arch::of_lane(lane) == Some(Arch::Arm)).then(|| vec![USUAL_ARM_MACHINE.to_owned()]);
    let named: Option<Result<Vec<String>, _>> = table.remove("machines").map(Value::try_into);
    match named.transpose().map_err(|error| format!("machines: {error}"))?.or(usual) {
        Some(names) => Ok(names.iter().map(|name| on(&table, name)).collect()),
        None => Ok(vec![table]),
    }
}

/// `table` on `machine`. The usual machine of a lane on Bochs goes without saying.
fn on(table: &Table, machine: &str) -> Table {
    let mut table = table.clone();
    let lane = table.get("lane").and_then(Value::as_str).unwrap_or_default();
    if bochs_cpu(lane, None).is_none_or(|usual| bochs_cpu(lane, Some(machine)) != Some(usual)) {
        table.insert("host".into(), Value::String(machine.to_owned()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(text: &str) -> Result<Vec<Table>, String> {
        split(&toml::from_str(text).unwrap())
    }

    #[test]
    fn a_scenario_is_svms_unless_it_says_more() {
        let tables = tables("title = 't'").unwrap();
        assert_eq!(tables.len(), 1);
        assert_eq!((tables[0]["lane"].as_str(), tables[0].get("host")), (Some("svm"), None));
    }

    #[test]
    fn a_lane_has_keys_of_its_own() {
        let text = "title = 't'\nlanes = ['svm', 'el2']\n[matrix]\na = [1, 2]\nb = [3]\n\
                    [el2]\ntitle = 'u'\nmachines = ['a72', 'max']\n[el2.matrix]\na = [1]\n";
        let tables = tables(text).unwrap();
        let hosts: Vec<_> = tables.iter().map(|table| table.get("host").and_then(Value::as_str)).collect();
        assert_eq!(hosts, [None, Some("a72"), Some("max")]);
        assert_eq!(tables[0]["matrix"]["a"].as_array().unwrap().len(), 2);
        assert_eq!(tables[1]["matrix"].to_string(), "{ a = [1], b = [3] }");
        assert_eq!((tables[0]["title"].as_str(), tables[1]["title"].as_str()), (Some("t"), Some("u")));
        assert!(tables.iter().all(|table| !table.contains_key("el2") && !table.contains_key("lanes")));
    }

    #[test]
    fn a_lanes_keys_may_be_written_several_times() {
        let tables =
            tables("title = 't'\nlanes = ['el2']\n[[el2]]\nname = 'a'\n[[el2]]\nmachines = ['max']\n").unwrap();
        let hosts: Vec<_> = tables.iter().map(|table| table["host"].as_str()).collect();
        assert_eq!(hosts, [Some("n1"), Some("max")]);
        assert_eq!(tables[0]["name"].as_str(), Some("a"));
    }

    #[test]
    fn the_usual_machine_on_bochs_goes_without_saying() {
        let tables =
            tables("title = 't'\nlanes = ['vtx', 'svm-bochs']\n[vtx]\nmachines = ['skylake', 'penryn']\n").unwrap();
        let hosts: Vec<_> = tables.iter().map(|table| table.get("host").and_then(Value::as_str)).collect();
        assert_eq!(hosts, [None, Some("penryn"), None]);
        assert_eq!(bochs_cpu("vtx", None), Some(SKYLAKE));
        assert_eq!(bochs_cpu("svm-bochs", None), Some(RYZEN));
        assert_eq!(bochs_cpu("svm-bochs", Some("penryn")), None);
        assert!(has("vtx", "penryn") && has("el2", "a72") && !has("vtx", "a72") && !has("el2", "penryn"));
        assert!(!on_bochs("svm") && !on_bochs("el2"));
    }

    #[test]
    fn mistakes_are_told() {
        assert!(tables("lanes = ['svn']").unwrap_err().contains("no lane svn"));
        assert!(tables("lanes = 'svm'").unwrap_err().contains("lanes"));
        assert!(machine("a73").is_none() && machine("a72").is_some());
    }
}
