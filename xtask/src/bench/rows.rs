//! The measured rows: read from a console, printed as a table or as JSON.

use crate::error::{Result, trouble};

/// One measured operation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Row {
    pub(super) row: String,
    pub(super) lane: &'static str,
    pub(super) instructions: u64,
}

/// The `row NAME VALUE` lines.
pub(super) fn of(console: &str, lane: &'static str) -> Vec<Row> {
    let row = |line: &str| {
        let mut words = line.strip_prefix("row ")?.split_whitespace();
        let row = words.next()?.to_owned();
        Some(Row { row, lane, instructions: words.next()?.parse().ok()? })
    };
    console.lines().filter_map(row).collect()
}

/// Whether the `done PASSED FAILED` line is missing or counts a failure.
pub(super) fn failed(console: &str) -> bool {
    let done = console.lines().find_map(|line| line.strip_prefix("done "));
    done.and_then(|counts| counts.split_whitespace().nth(1)) != Some("0")
}

pub(super) fn as_json(rows: &[Row]) -> Result<String> {
    let lines: std::result::Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|error| trouble(error, "leave out --json"))?;
    Ok(format!("[\n  {}\n]\n", lines.join(",\n  ")))
}

/// A line for each operation and a column for each lane; `-` where a lane has no such row.
pub(super) fn as_table(rows: &[Row], lanes: &[&str]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.row.as_str()) {
            names.push(&row.row);
        }
    }
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0).max("operation".len());
    let line = |name: &str, cell: &dyn Fn(&str) -> String| {
        let cells: String = lanes.iter().map(|lane| format!("  {:>COLUMN$}", cell(lane))).collect();
        format!("{name:<width$}{cells}\n")
    };
    let mut text = line("operation", &|lane| lane.to_owned());
    for name in names {
        let value = |lane: &str| rows.iter().find(|row| row.row == name && row.lane == lane);
        text += &line(name, &|lane| value(lane).map_or("-".to_owned(), |row| row.instructions.to_string()));
    }
    let about: String = lanes.iter().map(|lane| about(lane)).collect();
    format!("{text}\nEmulated instructions, the guest's own loop included; not cycles, not time.\n{about}")
}

/// Width of a lane's column.
const COLUMN: usize = 12;

/// What the figures of a lane are.
fn about(lane: &str) -> &'static str {
    match lane {
        "svm" => {
            "svm: AMD SVM on QEMU TCG, which has no NRIPS, no decode assists and no clean bits: the hypervisor finds instruction\n\
             lengths itself there.\n"
        }
        "svm-bochs" => "svm-bochs: AMD SVM on Bochs' ryzen, with NRIPS and without decode assists.\n",
        "vtx" => {
            "vtx: Intel VT-x on Bochs' corei7_skylake_x. Its processor answers local APIC registers and self-IPIs without an exit.\n"
        }
        "vtx-no-apicv" => "vtx-no-apicv: the same with apicv=off: every access to a local APIC exits.\n",
        "el2" => {
            "el2: Arm EL2 on QEMU TCG, -cpu max with GICv3. boot: power-on to the guest's first instruction. linux-init: power-on to\n\
             Linux's first process, on Phalanx and, as linux-init-direct, without it on the same virtual board.\n"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "phalanx: x\nrow cpuid 137\ncheck a ok\nrow timer 200\ndone 2 0\n";

    #[test]
    fn rows_are_read_from_the_console() {
        let rows = of(CONSOLE, "svm");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], Row { row: "cpuid".into(), lane: "svm", instructions: 137 });
        assert!(!failed(CONSOLE));
        assert!(failed("row cpuid 1\ndone 1 1\n") && failed("row cpuid 1\n"));
    }

    #[test]
    fn json_is_an_array_of_rows() {
        let json = as_json(&of(CONSOLE, "svm")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value[0], serde_json::json!({ "row": "cpuid", "lane": "svm", "instructions": 137 }));
    }

    #[test]
    fn the_table_has_a_column_for_each_lane() {
        let rows = [of(CONSOLE, "svm"), of("row cpuid 99\n", "vtx")].concat();
        let table = as_table(&rows, &["svm", "vtx"]);
        let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(lines.next().unwrap(), ["operation", "svm", "vtx"]);
        assert_eq!(lines.next().unwrap(), ["cpuid", "137", "99"]);
        assert_eq!(lines.next().unwrap(), ["timer", "200", "-"]);
        assert!(table.contains("NRIPS") && table.contains("skylake") && !table.contains("EL2"));
    }
}
